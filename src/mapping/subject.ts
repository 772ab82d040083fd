/** Who the study is of: one identity for the whole study, and the Patient as this study knows it. */
import type { Patient, Reference } from "fhir/r4";
import { IDENTIFIER_TYPE } from "./identifier-types.ts";
import { createdMeta, DATA_ABSENT_URL, patientId } from "./identity.ts";
import type { PatientIdentity, PatientValues } from "./read-patient.ts";
import { type Ballot, vote, winner } from "./vote.ts";

/**
 * `patient`: found or made by (system, value). `unidentified`: no instance has a Patient ID, so nobody may be referred to.
 * `issuer-unknown`: there is an ID, but its issuer has no system, so whose number it is would be a guess; the study waits.
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
  | { kind: "issuer-unknown"; display?: string };

/** Distinct values of a study's instances with how many instances have them. */
export type Counted<T> = ReadonlyMap<T, number>;

/**
 * The identity most instances name; then name, gender and birth date from the instances of that identity alone, so that no Patient is made of two.
 * @returns `others`: how many instances name another patient
 */
export function buildSubject(patients: Counted<PatientValues>, asOf: string): { subject: Subject; others: number } {
  const ballot: Ballot<PatientIdentity> = new Map();
  for (const [{ identity }, count] of patients) if (identity.kind !== "none") vote(ballot, matchKey(identity), count);
  const elected = winner(ballot);
  const own = [...patients].filter(
    ([{ identity }]) => JSON.stringify(matchKey(identity)) === JSON.stringify(elected?.value ?? { kind: "none" }),
  );
  const display = mostFrequent(own, (values) => values.display);
  const shown = display === undefined ? {} : { display };
  const others = elected?.losers ?? 0;
  if (elected === undefined) return { subject: { kind: "unidentified", ...shown }, others };
  const identity = elected.value;
  if (identity.kind !== "known") return { subject: { kind: "issuer-unknown", ...shown }, others };
  const { system, value } = identity;
  return {
    subject: { kind: "patient", identifier: { system, value }, patient: buildPatient(identity, own), asOf, ...shown },
    others,
  };
}

/** What two instances must share to name the same patient. */
function matchKey(identity: PatientIdentity): PatientIdentity {
  if (identity.kind !== "known") return identity;
  return { kind: "known", system: identity.system, value: identity.value, others: [], type: "", assigner: undefined };
}

type Own = readonly (readonly [PatientValues, number])[];

function mostFrequent<T>(own: Own, pick: (values: PatientValues) => T | undefined): T | undefined {
  const ballot: Ballot<T> = new Map();
  for (const [values, count] of own) vote(ballot, pick(values), count);
  return winner(ballot)?.value;
}

type Known = Extract<PatientIdentity, { kind: "known" }>;

function buildPatient(elected: Known, own: Own): Patient {
  const identity =
    mostFrequent(own, (values) => (values.identity.kind === "known" ? values.identity : undefined)) ?? elected;
  const names = mostFrequent(own, (values) => (values.names.length > 0 ? values.names : undefined));
  const gender = mostFrequent(own, (values) => values.gender);
  const birthDate = mostFrequent(own, (values) => values.birthDate);
  return {
    resourceType: "Patient",
    id: patientId(elected.system, elected.value),
    meta: createdMeta(),
    identifier: [elected.value, ...identity.others].map((value) => ({
      type: { coding: [{ system: IDENTIFIER_TYPE, code: identity.type }] },
      system: elected.system,
      value,
      ...(identity.assigner === undefined ? {} : { assigner: { display: identity.assigner } }),
    })),
    ...(names === undefined ? {} : { name: [...names] }),
    ...(gender === undefined ? {} : { gender }),
    ...(birthDate === undefined ? {} : { birthDate }),
  };
}

/** `ImagingStudy.subject` of a study whose patient cannot be named: required by FHIR, so it says that it is unknown. */
export function unidentifiedSubject(display: string | undefined): Reference {
  return {
    extension: [{ url: DATA_ABSENT_URL, valueCode: "unknown" }],
    type: "Patient",
    ...(display === undefined ? {} : { display }),
  };
}
