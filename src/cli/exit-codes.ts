/** Exit codes. docs/cli.md prints this table. */
import { ERRORS, type ErrorCode } from "../errors.ts";

export const EXIT_CODES = {
  0: "Done.",
  1: "A person must fix something: the command line, an option, a service that is the wrong one. Starting again does not help.",
  75: "Try again: something was away or the command was interrupted. A supervisor may restart it.",
} as const;

export type ExitCode = keyof typeof EXIT_CODES;

/** Permanent errors need a person; all others may be tried again. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  return ERRORS[code].class === "permanent" ? 1 : 75;
}
