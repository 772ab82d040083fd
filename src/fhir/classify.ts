/**
 * What a FHIR server's answer means to us: one table from HTTP status to error code. Nothing of what a server says in words gets through: error texts
 * echo search URLs, identifiers and SQL. Kept are the status, the issue codes (OperationOutcome.issue.code) and element paths made of names and indexes.
 */
import { type ErrorCode, type SafeDetail, StudycastError } from "../errors.ts";
import { retryAfterMs } from "../time.ts";
import { isRecord, textOf } from "./json.ts";

/** The facts of an answer that a code is made of. `headers` is absent for an entry of a bundle. */
export type Answer = {
  status: number;
  outcome?: unknown;
  headers?: { get(name: string): string | null } | undefined;
  /** For an entry of a bundle: what the bundle's own headers ask for. */
  retryAfterMs?: number | undefined;
};

/** Status → code (RFC 9110 §15, FHIR R4 http.html#Status-Codes); undefined for success. 404 and 410 of a read are no errors: see `isAbsent`. */
export function codeOfStatus(status: number): ErrorCode | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status === 429) return "FHIR_THROTTLED";
  if (status === 401 || status === 403) return "FHIR_UNAUTHORIZED";
  if (status === 409 || status === 412) return "FHIR_CONFLICT";
  if (status === 408 || status === 423 || status === 425 || status >= 500) return "FHIR_UNAVAILABLE";
  if (status >= 400) return "FHIR_REJECTED";
  return "FHIR_RESPONSE";
}

/** Never existed, or was deleted. */
export function isAbsent(status: number): boolean {
  return status === 404 || status === 410;
}

/** The error for an answer that is no success. */
export function errorOfAnswer(answer: Answer, where: SafeDetail = {}, cause?: unknown): StudycastError {
  const code = throttledInWords(answer) ? "FHIR_THROTTLED" : (codeOfStatus(answer.status) ?? "FHIR_RESPONSE");
  const detail: SafeDetail = { ...where, status: answer.status, ...issueFacts(answer.outcome) };
  return new StudycastError(code, detail, {
    cause,
    retryAfterMs: answer.retryAfterMs ?? (answer.headers && waitAsked(answer.headers)),
  });
}

/** Retry-After, or x-ms-retry-after-ms as Azure's FHIR service sends it, in milliseconds. */
export function waitAsked(headers: { get(name: string): string | null }): number | undefined {
  const azure = Number(headers.get("x-ms-retry-after-ms") ?? Number.NaN);
  if (Number.isFinite(azure) && azure >= 0) return azure;
  const serverNow = Date.parse(headers.get("date") ?? "");
  return retryAfterMs(headers.get("retry-after"), Number.isNaN(serverNow) ? Date.now() : serverNow);
}

/** A server may wrap its own throttling in another error status and say so in the issue code only (issue-type `throttled`). */
function throttledInWords(answer: Answer): boolean {
  return answer.status >= 400 && issuesOf(answer.outcome).some((issue) => textOf(issue["code"]) === "throttled");
}

function issueFacts(outcome: unknown): SafeDetail {
  const issues = issuesOf(outcome);
  const codes = unique(issues.map((issue) => textOf(issue["code"])).filter(isIssueCode));
  const paths = unique(issues.flatMap((issue) => [issue["expression"], issue["location"]].flat()).map(elementPath));
  return {
    ...(codes.length > 0 ? { issues: codes } : {}),
    ...(paths.length > 0 ? { paths } : {}),
  };
}

function issuesOf(outcome: unknown): Record<string, unknown>[] {
  if (!isRecord(outcome) || outcome["resourceType"] !== "OperationOutcome") return [];
  const issues = outcome["issue"];
  return Array.isArray(issues) ? issues.filter(isRecord) : [];
}

const ISSUE_CODES = new Set(
  "invalid structure required value invariant security login unknown expired forbidden suppressed processing not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly business-rule conflict transient lock-error no-store exception timeout incomplete throttled informational".split(
    " ",
  ),
);

/** Only codes of the FHIR issue-type value set: anything else might be free text. */
function isIssueCode(code: string | undefined): code is string {
  return code !== undefined && ISSUE_CODES.has(code);
}

/**
 * An element path as it is safe to show: dotted element names with indexes. HAPI writes resource ids between slashes and stars into it
 * (Bundle.entry[1].resource/*Patient/p1*\/.status); these and everything else that is no name are taken out.
 */
function elementPath(expression: unknown): string | undefined {
  const text = textOf(expression)?.replaceAll(/\/\*.*?\*\//g, "");
  return text !== undefined && /^[A-Z][A-Za-z]{1,40}(\.[a-z][A-Za-z]{1,40}(\[\d{1,6}\])?)+$/.test(text)
    ? text
    : undefined;
}

function unique(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined))].slice(0, 5);
}
