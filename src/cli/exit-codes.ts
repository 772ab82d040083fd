/** Exit codes. docs/cli.md prints this table. */
import { ERRORS, type ErrorCode } from "../errors.ts";

export const EXIT_CODES = {
  0: "Done.",
  1: "A person must fix something: the command line, an option, a service that is the wrong one. Starting again does not help.",
  75: "Try again: something was away or the command was interrupted. A supervisor may restart it.",
} as const;

export type ExitCode = keyof typeof EXIT_CODES;

/** Transient errors may be tried again; all others need a person. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  return ERRORS[code].class === "transient" ? 75 : 1;
}
