import type { HumanName, Patient } from "fhir/r4";
import { type Dataset, items, text, texts } from "./dataset.ts";
import { issuerSystem, readIssuer } from "./issuer.ts";
import { collectIssues, type IssueKey, type Note } from "./issues.ts";
import type { MappingOptions } from "./options.ts";
import { displayName, humanNames, readPersonName } from "./person-name.ts";
import { formatDate, parseDate } from "./when.ts";

/** Who an instance says its patient is. `unknown-issuer`: an ID, but no system for it; matching on the bare value would guess. */
export type PatientIdentity =
  | { kind: "none" }
  | { kind: "unknown-issuer"; value: string; issuer: string }
  | {
      kind: "known";
      system: string;
      value: string;
      others: readonly string[];
      type: string;
      assigner: string | undefined;
    };

/** What one instance says about its patient (PS3.3 C.7.1.1). */
export type PatientValues = {
  identity: PatientIdentity;
  names: readonly HumanName[];
  display: string | undefined;
  gender: Patient["gender"];
  birthDate: string | undefined;
  issues: readonly IssueKey[];
};

export function readPatient(dataset: Dataset, options: MappingOptions): PatientValues {
  const { note, issues } = collectIssues();
  const groups = readPersonName(dataset, "PatientName", note);
  const birth = text(dataset, "PatientBirthDate", note);
  const birthDate = birth === undefined ? undefined : parseDate(birth, "PatientBirthDate", note);
  return {
    identity: readIdentity(dataset, options, note),
    names: humanNames(groups, options.splitGiven),
    display: displayName(groups),
    gender: readGender(dataset, note),
    birthDate: birthDate && formatDate(birthDate),
    issues: issues(),
  };
}

const IDENTIFIER_TYPES = new Set(["MR", "PI", "PT", "PN", "NI", "NH", "SS", "PPN", "DL", "MC", "HC", "MA", "XX", "U"]);
export const DEFAULT_IDENTIFIER_TYPE = "MR";

function readIdentity(dataset: Dataset, options: MappingOptions, note: Note): PatientIdentity {
  const [value, ...others] = texts(dataset, "PatientID", note);
  if (value === undefined) {
    note("PatientID", "missing");
    return { kind: "none" };
  }
  if (others.length > 0) note("PatientID", "multiple-values");
  const [qualifiers] = items(dataset, "IssuerOfPatientIDQualifiersSequence", note);
  const issuerText = text(dataset, "IssuerOfPatientID", note);
  const issuer = { ...readIssuer(qualifiers, note), local: issuerText };
  const found = issuerSystem(issuer, options.issuerSystems);
  const system = found ?? (options.patientIdSystem || undefined);
  const named = issuerText ?? issuer.universal;
  if (system === undefined) return { kind: "unknown-issuer", value, issuer: named ?? "" };
  if (found === undefined && named !== undefined)
    note(issuerText === undefined ? "IssuerOfPatientIDQualifiersSequence" : "IssuerOfPatientID", "issuer-unmapped");
  const type = qualifiers && text(qualifiers, "IdentifierTypeCode", note)?.toUpperCase();
  return {
    kind: "known",
    system,
    value,
    others: [...new Set(others)].filter((other) => other !== value).sort(),
    type: type !== undefined && IDENTIFIER_TYPES.has(type) ? type : DEFAULT_IDENTIFIER_TYPE,
    assigner: found === undefined ? (named ?? facility(qualifiers, note)) : facility(qualifiers, note),
  };
}

/** (0040,0036) Assigning Facility: shown only, never used to match. */
function facility(qualifiers: Dataset | undefined, note: Note): string | undefined {
  const [item] = qualifiers === undefined ? [] : items(qualifiers, "AssigningFacilitySequence", note);
  return readIssuer(item, note).local;
}

const GENDERS = new Map<string, NonNullable<Patient["gender"]>>([
  ["M", "male"],
  ["MALE", "male"],
  ["F", "female"],
  ["FEMALE", "female"],
  ["O", "other"],
  ["OTHER", "other"],
  ["U", "unknown"],
  ["UNKNOWN", "unknown"],
]);

function readGender(dataset: Dataset, note: Note): Patient["gender"] {
  const sex = text(dataset, "PatientSex", note);
  if (sex === undefined) return undefined;
  const gender = GENDERS.get(sex.toUpperCase());
  if (gender === undefined) note("PatientSex", "unknown-code");
  return gender;
}
