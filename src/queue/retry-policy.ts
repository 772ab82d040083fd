/** What follows from an error, by its code alone. Pure. */
import { type ErrorCode, errorRow, type StudycastError } from "../errors.ts";

export type PausableService = "dicom" | "fhir";
export type Policy =
  /** A person must act: the job fails and is kept. */
  | { kind: "fail" }
  /** Only a change elsewhere can cure it: looked at again after a long delay. */
  | { kind: "recheck" }
  /** The worker is being stopped, or has lost the job: back to waiting, no attempt counted. */
  | { kind: "return" }
  /** Is the whole service in trouble? `certain`: it has said so itself, no probe needed. */
  | { kind: "suspect"; service: PausableService; certain: boolean; retryAfterMs: number | undefined }
  /** Tried again with exponential backoff. */
  | { kind: "retry" };

export function policyFor(error: StudycastError): Policy {
  const { class: errorClass, service } = errorRow(error.code);
  if (error.code === "ABORTED") return { kind: "return" };
  if (errorClass === "permanent") return { kind: "fail" };
  if (errorClass === "waiting") return { kind: "recheck" };
  const trouble = troubleOf(error.code);
  if (trouble === undefined || (service !== "dicom" && service !== "fhir")) return { kind: "retry" };
  return { kind: "suspect", service, certain: trouble === "certain", retryAfterMs: error.retryAfterMs };
}

function troubleOf(code: ErrorCode): "certain" | "possible" | undefined {
  if (code.endsWith("_THROTTLED")) return "certain";
  // A server may refuse one study only (403 by a rule of its own); a credential that is no good fails the probe as well.
  return /_(UNAVAILABLE|UNAUTHORIZED|CERTIFICATE)$/.test(code) ? "possible" : undefined;
}
