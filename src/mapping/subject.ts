/** Who the study is of: one identity for the whole study, and the Patient as this study knows it. */
import type { Patient, Reference } from "fhir/r4";
import { buildPatient } from "./build-patient.ts";
import { anonymousSystem, DATA_ABSENT_URL } from "./identity.ts";
import { type BuildObserver, tell } from "./observer.ts";
import type { PatientIdentity } from "./patient-identifiers.ts";
import type { PatientValues } from "./read-patient.ts";
import { type Ballot, mostFrequent, vote, winner } from "./vote.ts";

/**
 * `patient`: found or made by (system, value). `unidentified`: no instance has a Patient ID, so nobody may be referred to.
 * `issuer-unknown`: there is an ID, but its issuer has no system, so whose number it is would be a guess; the study waits.
 * `device`: a phantom or another quality control object (0010,0200), which never becomes a Patient.
 */
export type Subject =
  | {
      kind: "patient";
      identifier: { system: string; value: string };
      patient: Patient;
      /** Which study names the patient: the greatest `<YYYYMMDDHHMMSS.ffffff> <Study Instance UID>` as text. */
      asOf: string;
      display?: string;
    }
  | { kind: "unidentified"; display?: string }
  | { kind: "issuer-unknown"; display?: string }
  | { kind: "device"; identifier?: { system?: string; value: string }; display?: string };

/** Distinct values of a study's instances with how many instances have them. */
export type Counted<T> = ReadonlyMap<T, number>;

/**
 * The identity most instances name; then everything else from the instances of that identity alone, so that no Patient is made of two.
 * @param scope names the study among all of all sources: whose number an anonymous ID is
 * @returns `others`: how many instances name another patient
 */
export function buildSubject(
  patients: Counted<PatientValues>,
  asOf: string,
  scope: string,
  observer?: BuildObserver,
): { subject: Subject; others: number } {
  const ballot: Ballot<PatientIdentity> = new Map();
  for (const [{ identity }, count] of patients) if (identity.kind !== "none") vote(ballot, matchKey(identity), count);
  tell(observer, "patient", undefined, "PatientID", ballot);
  const elected = winner(ballot);
  const key = JSON.stringify(elected?.value ?? { kind: "none" });
  const own = [...patients].filter(([{ identity }]) => JSON.stringify(matchKey(identity)) === key);
  const display = mostFrequent(own, (values) => values.display);
  const identity = elected?.value ?? { kind: "none" };
  return { subject: subjectOf(identity, own, asOf, scope, display, observer), others: elected?.losers ?? 0 };
}

function subjectOf(
  identity: PatientIdentity,
  own: readonly (readonly [PatientValues, number])[],
  asOf: string,
  scope: string,
  display: string | undefined,
  observer: BuildObserver | undefined,
): Subject {
  const shown = display === undefined ? {} : { display };
  if (identity.kind === "none") return { kind: "unidentified", ...shown };
  if (identity.kind === "unknown-issuer") return { kind: "issuer-unknown", ...shown };
  if (identity.kind === "device") {
    const { system, value } = identity;
    const identifier = { ...(system === undefined ? {} : { system }), value: value ?? "" };
    return { kind: "device", ...(value === undefined ? {} : { identifier }), ...shown };
  }
  const { value } = identity;
  const system = identity.kind === "known" ? identity.system : anonymousSystem(scope);
  const patient = buildPatient({ system, value }, own, observer);
  return { kind: "patient", identifier: { system, value }, patient, asOf, ...shown };
}

/** What two instances must share to name the same patient. */
function matchKey(identity: PatientIdentity): PatientIdentity {
  if (identity.kind !== "known") return identity;
  return { kind: "known", system: identity.system, value: identity.value, others: [], type: "", assigner: undefined };
}

/** `ImagingStudy.subject` of a study whose patient cannot be named: required by FHIR, so it says that it is unknown. */
export function unidentifiedSubject(display: string | undefined): Reference {
  return {
    extension: [{ url: DATA_ABSENT_URL, valueCode: "unknown" }],
    type: "Patient",
    ...(display === undefined ? {} : { display }),
  };
}

/** `ImagingStudy.subject` of a study that is of no Patient: a logical reference, or one that says that nobody knows. */
export function otherSubject(subject: Exclude<Subject, { kind: "patient" }>): Reference {
  const { kind, display } = subject;
  if (kind !== "device") return unidentifiedSubject(display);
  const { identifier } = subject;
  const named = identifier !== undefined || display !== undefined;
  return {
    ...(named ? {} : { extension: [{ url: DATA_ABSENT_URL, valueCode: "unknown" }] }),
    type: "Device",
    ...(identifier === undefined ? {} : { identifier }),
    ...(display === undefined ? {} : { display }),
  };
}
