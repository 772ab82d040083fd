/** How an error is told on a terminal: one line `CODE: what. Try: what to do`, never a stack, never another program's text. */
import { errorRow, errorText, type StudycastError, toStudycastError } from "../errors.ts";
import { UsageError } from "./command.ts";
import { type ExitCode, exitCodeOf } from "./exit-codes.ts";

export type Report = { text: string; exitCode: ExitCode };

/** The lines for standard error and the exit code of any thrown value. */
export function report(thrown: unknown): Report {
  if (thrown instanceof UsageError) return { text: `USAGE: ${thrown.message} Try: ${thrown.hint}\n`, exitCode: 1 };
  const error = toStudycastError(thrown);
  return { text: errorLines(error), exitCode: exitCodeOf(error.code) };
}

function errorLines(error: StudycastError): string {
  const { code, detail } = error;
  const { hint } = errorRow(code);
  // Every problem of the configuration has its line, so that one run shows them all.
  if (code === "CONFIG_INVALID" && Array.isArray(detail["problems"]))
    return [...detail["problems"].map((problem) => `${code}: ${problem}.`), `Try: ${hint}`, ""].join("\n");
  const where = code === "INTERNAL" ? firstFrame(error.cause) : "";
  return `${errorText(code, detail)}${where} Try: ${hint}\n`;
}

/** Where in our code an unexpected error was thrown; the rest of its stack, message included, may quote data. */
function firstFrame(thrown: unknown): string {
  const stack = typeof thrown === "object" && thrown !== null && "stack" in thrown ? String(thrown.stack) : "";
  const frame = /^\s+at .*?((?:src|dist)\/[\w/.-]+:\d+)/m.exec(stack)?.[1];
  return frame === undefined ? "" : ` (at ${frame})`;
}
