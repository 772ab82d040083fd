import { getStatus, normalizeOperationOutcome, OperationOutcomeError } from "@medplum/core";
import type { OperationOutcome, OperationOutcomeIssue } from "@medplum/fhirtypes";

type IssueCode = OperationOutcomeIssue["code"];

// The router hands outcomes on by identity, so status and headers travel beside them (its own outcomes carry an `id` instead).
const statuses = new WeakMap<OperationOutcome, { status: number; headers: Readonly<Record<string, string>> }>();

/** An error that ends a request with `status` and an OperationOutcome of one issue. */
export function refusal(
  status: number,
  code: IssueCode,
  diagnostics: string,
  headers: Readonly<Record<string, string>> = {},
): OperationOutcomeError {
  const outcome: OperationOutcome = {
    resourceType: "OperationOutcome",
    issue: [{ severity: "error", code, diagnostics }],
  };
  statuses.set(outcome, { status, headers });
  return new OperationOutcomeError(outcome);
}

/** The OperationOutcome of anything thrown; unknown faults become 500. */
export function outcomeOf(error: unknown): OperationOutcome {
  if (error instanceof OperationOutcomeError) return error.outcome;
  const outcome = normalizeOperationOutcome(error);
  if (!statuses.has(outcome)) statuses.set(outcome, { status: 500, headers: {} });
  return outcome;
}

/** HTTP status of an outcome: the one given to {@link refusal}, else the router's own table. */
export function statusOf(outcome: OperationOutcome): number {
  return statuses.get(outcome)?.status ?? getStatus(outcome);
}

/** Extra response headers of an outcome (Location of a deletion). */
export function headersOf(outcome: OperationOutcome): Readonly<Record<string, string>> {
  return statuses.get(outcome)?.headers ?? {};
}

/** An OperationOutcome that reports success, as HAPI answers a deletion. */
export function success(diagnostics: string): OperationOutcome {
  return { resourceType: "OperationOutcome", issue: [{ severity: "information", code: "informational", diagnostics }] };
}
