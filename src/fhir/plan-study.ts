/** What a study needs in the FHIR server: nothing, or one transaction of its Patient, its supporting resources and its ImagingStudy. Pure. */
import type { Reference } from "fhir/r4";
import {
  type Ownership,
  type OwnershipTree,
  otherSubject,
  type StudyIdentity,
  type StudyResources,
} from "../mapping/index.ts";
import { type Json, recordsOf, textOf } from "./json.ts";
import { treeForSubject } from "./moved-study.ts";
import type { Found, FoundPatient, FoundStudy, FoundSupporting, Plan, Write, WritePolicy } from "./plan.ts";
import { updateOf } from "./plan-merge.ts";
import { planPatient } from "./plan-patient.ts";
import { planSupporting } from "./plan-supporting.ts";

/** Which resource of the server stands for the study. `none`: ours is to be created at its own id. */
export type Chosen = { kind: "none" } | { kind: "one"; resource: Found } | { kind: "ambiguous" };

/**
 * Own id or own identifier before anything else. One that others made for the same Study Instance UID is adopted only if it is the single hit, says
 * nothing of another source, and has not been retracted.
 */
export function chooseStudy({ own, sameUid, identity }: FoundStudy): Chosen {
  if (own.length > 1) return { kind: "ambiguous" };
  const [ours] = own;
  if (ours !== undefined) return { kind: "one", resource: ours };
  const [other, ...more] = sameUid;
  const adoptable =
    other !== undefined &&
    more.length === 0 &&
    other["status"] !== "entered-in-error" &&
    !namesAnotherSource(other, identity.ownIdentifier.value);
  return adoptable ? { kind: "one", resource: other } : { kind: "none" };
}

/** Any other `urn:uuid:` identifier is taken for the own identifier of another source: adopting too little does no harm, adopting too much mixes two archives. */
function namesAnotherSource(resource: Json, ownValue: string | undefined): boolean {
  return recordsOf(resource["identifier"]).some((identifier) => {
    const value = textOf(identifier["value"]) ?? "";
    return identifier["system"] === "urn:ietf:rfc:3986" && value.startsWith("urn:uuid:") && value !== ownValue;
  });
}

/**
 * @param patient what `lookUpPatient` found; needed when the subject is a patient
 * @param supporting what was found of `wanted.supporting`; what is not in it is not written, and references to it stay logical
 * @returns `waiting` when who is meant cannot be said: a study on the wrong person harms, one that waits does not
 */
export function planStudy(
  found: FoundStudy,
  patient: FoundPatient | undefined,
  wanted: StudyResources,
  policy: Pick<WritePolicy, "patientPolicy" | "supportingPolicy">,
  supporting: FoundSupporting = new Map(),
): Plan {
  const chosen = chooseStudy(found);
  if (chosen.kind === "ambiguous") return { kind: "waiting", code: "STUDY_AMBIGUOUS" };
  const subject = planSubject(wanted, patient, policy);
  if (subject.kind === "waiting") return subject;
  const others = planSupporting(wanted.supporting, supporting, subject.reference, wanted.ownership, policy);
  const content = { ...others.refer(wanted.imagingStudy), subject: subject.reference };
  const study =
    chosen.kind === "one" ? studyUpdate(chosen.resource, content, wanted.ownership, found.identity) : creation(content);
  const writes = [subject.write, ...others.writes, study].filter((write) => write !== undefined);
  return writes.length === 0 ? { kind: "unchanged" } : { kind: "write", writes };
}

function studyUpdate(
  found: Found,
  content: Json & { subject: Reference },
  ownership: Ownership,
  identity: StudyIdentity,
): Write | undefined {
  return updateOf(found, content, treeForSubject(studyTree(ownership, identity), found["subject"], content.subject));
}

/** The rows own what endpoints are added; which references are ours to take away follows from source and partition. */
function studyTree({ ImagingStudy }: Ownership, { ownEndpointIds }: StudyIdentity): OwnershipTree {
  const { endpoint } = ImagingStudy;
  if (endpoint?.kind !== "items") return ImagingStudy;
  const references = ownEndpointIds.map((id) => `Endpoint/${id}`);
  return { ...ImagingStudy, endpoint: { ...endpoint, owners: [...endpoint.owners, { by: "reference", references }] } };
}

function creation(content: Json): Write {
  return { resource: { ...content, resourceType: "ImagingStudy", id: String(content["id"]) }, expect: "created" };
}

type PlannedSubject =
  | { kind: "subject"; reference: Reference; write: Write | undefined }
  | Extract<Plan, { kind: "waiting" }>;

function planSubject(
  { subject, ownership }: Pick<StudyResources, "subject" | "ownership">,
  found: FoundPatient | undefined,
  { patientPolicy }: Pick<WritePolicy, "patientPolicy">,
): PlannedSubject {
  if (subject.kind === "issuer-unknown") return { kind: "waiting", code: "ISSUER_UNKNOWN" };
  if (subject.kind !== "patient") return { kind: "subject", reference: otherSubject(subject), write: undefined };
  const { system, value } = subject.identifier;
  // An identifier without a system names nobody, and would match everybody's.
  if (system === "" || value === "") return { kind: "waiting", code: "ISSUER_UNKNOWN" };
  if (found === undefined || found.kind === "ambiguous") return { kind: "waiting", code: "PATIENT_AMBIGUOUS" };
  const write = planPatient(found, subject, patientPolicy, ownership.Patient);
  const id = found.kind === "found" ? found.patient.id : write?.resource.id;
  const reference: Reference = {
    ...(id === undefined ? {} : { reference: `Patient/${id}` }),
    type: "Patient",
    identifier: { system, value },
    ...(subject.display === undefined ? {} : { display: subject.display }),
  };
  return { kind: "subject", reference, write };
}
