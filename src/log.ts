/**
 * Log lines are JSON objects made of a fixed message and fields of the table below; nothing else can be logged, so no name, patient ID, birth date,
 * accession number, Patient resource id, URL with identifiers or server text can reach a log. docs/logs.md is printed from this table.
 */
import { type DestinationStream, pino } from "pino";
import type { ErrorCode, StudycastError } from "./errors.ts";
import { errorRow } from "./errors.ts";

export const LOG_FIELDS = {
  source: "SOURCE_ID of the DICOM service",
  study: "study key: partition/StudyInstanceUID",
  series: "SeriesInstanceUID",
  sop: "SOPInstanceUID",
  sequence: "sequence number in the change feed",
  range: "id of a feed range",
  from: "first sequence of a range or hole",
  to: "last sequence of a range or hole",
  count: "how many",
  code: "error code, see errors.md",
  hint: "what to do about it",
  detail: "safe facts of an error: statuses, issue codes, element paths, option names",
  kind: "JavaScript name of an unexpected error",
  stack: "where in our code an unexpected error was thrown (no message)",
  service: "dicom, fhir or redis",
  attempt: "number of tries so far",
  retryInMs: "milliseconds until the next try",
  tookMs: "milliseconds it took",
  instances: "instances read",
  writes: "FHIR writes made",
  bytes: "bytes sent",
  host: "host and port of a service, no path, no credential",
  version: "version of studycast or of a server",
  request: "id of an operator's request",
  command: "what an operator asked for",
  signal: "signal received",
  url: "address studycast listens at",
  step: "step of start or stop",
  tag: "DICOM tag of a value that was left out",
  action: "dry run: what would be done",
} as const;

export type LogFields = Partial<Record<keyof typeof LOG_FIELDS, string | number | boolean | readonly string[]>>;
export type LogLevel = "debug" | "info" | "warn" | "error" | "fatal" | "silent";

export type Log = {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  fatal(message: string, fields?: LogFields): void;
  /** A log whose lines all carry these fields. */
  child(fields: LogFields): Log;
};

/** A logger that writes JSON lines to `destination` (standard output by default). */
export function createLog(level: LogLevel, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return wrap(destination ? pino(options, destination) : pino(options));
}

function wrap(logger: pino.Logger): Log {
  const write =
    (level: "debug" | "info" | "warn" | "error" | "fatal") =>
    (message: string, fields: LogFields = {}) =>
      logger[level](fields, message);
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    fatal: write("fatal"),
    child: (fields) => wrap(logger.child(fields)),
  };
}

/** The fields that tell an error: code, hint, safe detail; for an unexpected one also its kind and where it was thrown. */
export function errorFields(error: StudycastError): LogFields {
  const detail = Object.entries(error.detail).map(([name, value]) => `${name} ${String(value)}`);
  const code: ErrorCode = error.code;
  return {
    code,
    hint: errorRow(code).hint,
    ...(detail.length > 0 ? { detail } : {}),
    ...(code === "INTERNAL" ? { stack: frames(error.cause) } : {}),
  };
}

/** Only the `at …` lines of a stack: its first line is the message, which may quote data. */
function frames(thrown: unknown): string[] {
  const stack = typeof thrown === "object" && thrown !== null && "stack" in thrown ? String(thrown.stack) : "";
  return stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 8)
    .map((line) => line.trim());
}
