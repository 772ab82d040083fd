/** What is to be done to the FHIR server, and the types of what was found there. Pure data. */
import type { StudyIdentity } from "../mapping/index.ts";
import type { Resource } from "./json.ts";

export type Found = Resource & { id: string };

/** What the server holds of one study. */
export type FoundStudy = {
  identity: StudyIdentity;
  /** At our deterministic id, or carrying our own identifier; each once. */
  own: readonly Found[];
  /** All that carry the Study Instance UID; may hold those of `own` too. */
  sameUid: readonly Found[];
  /** Of `identity.endpointIds`, those that are there. */
  endpoints: readonly Found[];
};

/** `ambiguous`: several Patients, or one of which it cannot be said that it is this patient. */
export type FoundPatient = { kind: "absent" } | { kind: "found"; patient: Found } | { kind: "ambiguous" };

/** `ambiguous`: several stand for it, or the server has none of its type for us; a reference to it stays logical. */
export type FoundSupportingResource = { kind: "absent" } | { kind: "found"; resource: Found } | { kind: "ambiguous" };
/** By the id that we would give it. */
export type FoundSupporting = ReadonlyMap<string, FoundSupportingResource>;

/** One PUT. `ifMatch` is the version it was planned on; the answer must be what is expected, else somebody came between. */
export type Write = { resource: Found; expect: "created" | "updated"; ifMatch?: string };

export type Plan =
  | { kind: "unchanged" }
  /** One transaction. */
  | { kind: "write"; writes: readonly Write[] }
  /** Deletion of an ImagingStudy we created; `mark` instead when others refer to it. */
  | { kind: "remove"; id: string; mark: Write }
  | { kind: "waiting"; code: "PATIENT_AMBIGUOUS" | "STUDY_AMBIGUOUS" | "ISSUER_UNKNOWN" };

export type WritePolicy = {
  /** `link`: never write a Patient. `create`: create one when absent, later update only those we made. `sync`: update any that matches. */
  patientPolicy: "link" | "create" | "sync";
  deletePolicy: "delete" | "mark";
  /** `refer`: supporting resources are referred to where they are, and none is written; `write` when absent. */
  supportingPolicy?: "write" | "refer";
};
