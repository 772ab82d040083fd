/** What one instance says about its patient (PS3.3 C.7.1.1). */
import type { HumanName, Identifier, Patient } from "fhir/r4";
import { type Anonymity, readAnonymity, yesOrNo } from "./anonymity.ts";
import { codeContext } from "./codes.ts";
import { type Dataset, text } from "./dataset.ts";
import type { Include } from "./includes.ts";
import { collectIssues, type IssueKey, type Note } from "./issues.ts";
import type { MappingOptions } from "./options.ts";
import { type PatientDetails, readDetails } from "./patient-details.ts";
import { ANIMAL_URL, type PatientExtensions, readExtensions } from "./patient-extensions.ts";
import { type PatientIdentity, readIdentity, readOtherIdentifiers } from "./patient-identifiers.ts";
import { type OtherNames, readOtherNames } from "./patient-names.ts";
import { displayName, humanNames, readPersonName } from "./person-name.ts";
import type { Keyword } from "./tags.ts";
import { type CalendarDate, formatDate, formatDateTime, parseDate, parseOffset, parseTime } from "./when.ts";

export type PatientValues = {
  identity: PatientIdentity;
  /** De-identified or synthetic: no real Patient's. */
  anonymity: Anonymity | undefined;
  otherIdentifiers: readonly Identifier[];
  names: readonly HumanName[];
  otherNames: OtherNames;
  display: string | undefined;
  gender: Patient["gender"];
  birthDate: string | undefined;
  /** FHIR dateTime on that date. */
  birthTime: string | undefined;
  extensions: PatientExtensions;
  details: PatientDetails;
  issues: readonly IssueKey[];
};

/** All that {@link readPatient} looks at at the top of a dataset. */
export const PATIENT_INPUT = [
  "PatientName",
  "PatientID",
  "IssuerOfPatientID",
  "IssuerOfPatientIDQualifiersSequence",
  "PatientBirthDate",
  "PatientSex",
  "OtherPatientIDs",
  "OtherPatientIDsSequence",
  "OtherPatientNames",
  "PatientBirthName",
  "PersonNamesToUseSequence",
  "PatientIdentityRemoved",
  "DeidentificationMethod",
  "DeidentificationMethodCodeSequence",
  "SyntheticData",
  "QualityControlSubject",
  "PatientSpeciesDescription",
  "PatientSpeciesCodeSequence",
  "PatientBreedDescription",
  "PatientBreedCodeSequence",
  "PatientSexNeutered",
  "ResponsiblePerson",
  "ResponsiblePersonRole",
  "ResponsibleOrganization",
  "PatientBirthTime",
  "TimezoneOffsetFromUTC",
  "PatientDeathDateInAlternativeCalendar",
  "GenderIdentitySequence",
  "ThirdPersonPronounsSequence",
  "SexParametersForClinicalUseCategorySequence",
  "PatientPrimaryLanguageCodeSequence",
  "PatientAddress",
  "PatientMotherBirthName",
  "PatientTelephoneNumbers",
  "PatientTelecomInformation",
  "CodingSchemeIdentificationSequence",
] as const satisfies Keyword[];

export function readPatient(dataset: Dataset, options: MappingOptions): PatientValues {
  const { note, issues } = collectIssues();
  const groups = readPersonName(dataset, "PatientName", note);
  const birth = text(dataset, "PatientBirthDate", note);
  const birthDate = birth === undefined ? undefined : parseDate(birth, "PatientBirthDate", note);
  const anonymity = readAnonymity(dataset, options, note);
  const device = yesOrNo(dataset, "QualityControlSubject", note) === "YES";
  const real = anonymity === undefined && !device;
  // What could tell who somebody is has no place in data that is nobody's.
  const wanted = (name: Include) => real && options.include?.has(name) === true;
  const codes = codeContext(dataset, options, note);
  const extensions = readExtensions(dataset, codes, wanted, note);
  return {
    identity: identityOf(readIdentity(dataset, options, note), anonymity, device),
    anonymity,
    otherIdentifiers: real ? readOtherIdentifiers(dataset, options, note) : [],
    names: humanNames(groups, options.splitGiven).map((name) =>
      anonymity === undefined ? name : { use: "anonymous", ...name },
    ),
    otherNames: real ? readOtherNames(dataset, options.splitGiven, note) : {},
    display: displayName(groups),
    gender: readGender(dataset, note),
    birthDate: birthDate && formatDate(birthDate),
    birthTime: wanted("birth-time") ? readBirthTime(dataset, birthDate, options, note) : undefined,
    extensions,
    details: readDetails(dataset, codes, wanted, real && extensions[ANIMAL_URL] !== undefined, note),
    issues: issues(),
  };
}

function identityOf(
  identity: ReturnType<typeof readIdentity>,
  anonymity: Anonymity | undefined,
  device: boolean,
): PatientIdentity {
  const value = identity.kind === "none" ? undefined : identity.value;
  if (device) return { kind: "device", value, system: identity.kind === "known" ? identity.system : undefined };
  return anonymity === undefined || value === undefined ? identity : { kind: "anonymous", value };
}

/** Only where date, time and zone are known: nothing of it is made up. */
function readBirthTime(
  dataset: Dataset,
  date: CalendarDate | undefined,
  options: MappingOptions,
  note: Note,
): string | undefined {
  const timeText = text(dataset, "PatientBirthTime", note);
  const time = timeText === undefined ? undefined : parseTime(timeText, "PatientBirthTime", note);
  if (date === undefined || time === undefined) return undefined;
  const offsetText = text(dataset, "TimezoneOffsetFromUTC", note);
  const offset = offsetText === undefined ? undefined : parseOffset(offsetText, "TimezoneOffsetFromUTC", note);
  const zone = { offset, timeZone: options.timeZone || undefined };
  const dateTime = formatDateTime(date, time, zone, "PatientBirthTime", note);
  return dateTime.includes("T") ? dateTime : undefined;
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
