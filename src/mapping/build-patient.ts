import type { Extension, HumanName, Identifier, Patient } from "fhir/r4";
import { createdMeta, patientId } from "./identity.ts";
import { type BuildObserver, tell } from "./observer.ts";
import {
  ANIMAL_URL,
  BIRTH_TIME_URL,
  CLINICAL_SEX_URL,
  GENDER_IDENTITY_URL,
  MOTHERS_NAME_URL,
  PATIENT_EXTENSIONS,
  type PatientExtensions,
  PRONOUNS_URL,
} from "./patient-extensions.ts";
import { patientIdType } from "./patient-identifiers.ts";
import type { OtherNames } from "./patient-names.ts";
import type { PatientValues } from "./read-patient.ts";
import type { Keyword } from "./tags.ts";
import { mostFrequent } from "./vote.ts";

/** The Patient as the instances of one identity know it: each value the most frequent one, absent values do not count. */
export function buildPatient(
  { system, value }: { system: string; value: string },
  own: readonly (readonly [PatientValues, number])[],
  observer?: BuildObserver,
): Patient {
  const elect: Elect = (keyword, pick) =>
    mostFrequent(own, pick, observer && ((ballot) => tell(observer, "patient", undefined, keyword, ballot)));
  const anonymity = elect("PatientIdentityRemoved", (values) => values.anonymity);
  const { tag = [], ...meta } = createdMeta();
  const names = electNames(elect);
  const gender = elect("PatientSex", (values) => values.gender);
  const birthDate = elect("PatientBirthDate", (values) => values.birthDate);
  const birthTime = elect("PatientBirthTime", (values) =>
    values.birthDate === birthDate ? values.birthTime : undefined,
  );
  const extension = electExtensions(elect);
  const deceasedBoolean = elect("PatientDeathDateInAlternativeCalendar", (values) => values.details.deceasedBoolean);
  const address = elect("PatientAddress", (values) => values.details.address);
  const telecom = elect("PatientTelephoneNumbers", (values) => values.details.telecom);
  const communication = elect("PatientPrimaryLanguageCodeSequence", (values) => values.details.communication);
  const contact = elect("ResponsiblePerson", (values) => values.details.contact);
  return {
    resourceType: "Patient",
    id: patientId(system, value),
    meta:
      anonymity === undefined
        ? { ...meta, tag }
        : { ...meta, security: [...anonymity.security], tag: [...tag, ...anonymity.tag] },
    ...(extension.length === 0 ? {} : { extension }),
    identifier: electIdentifiers(system, value, elect),
    ...(names.length === 0 ? {} : { name: names }),
    ...(telecom === undefined ? {} : { telecom }),
    ...(gender === undefined ? {} : { gender }),
    ...(birthDate === undefined ? {} : { birthDate }),
    ...(birthTime === undefined
      ? {}
      : { _birthDate: { extension: [{ url: BIRTH_TIME_URL, valueDateTime: birthTime }] } }),
    ...(deceasedBoolean === undefined ? {} : { deceasedBoolean }),
    ...(address === undefined ? {} : { address }),
    ...(contact === undefined ? {} : { contact }),
    ...(communication === undefined ? {} : { communication }),
  };
}

/** @param keyword the attribute that gives the value first of all */
type Elect = <T>(keyword: Keyword, pick: (values: PatientValues) => T | undefined) => T | undefined;

/** The one that finds the Patient first; further ones are marked `secondary`. */
function electIdentifiers(system: string, value: string, elect: Elect): Identifier[] {
  const identity = elect("PatientID", ({ identity }) => (identity.kind === "known" ? identity : undefined));
  const type = patientIdType(identity?.type ?? "ANON");
  const assigner = identity?.assigner === undefined ? {} : { assigner: { display: identity.assigner } };
  const same = (other: string): Identifier => ({ use: "secondary", type, system, value: other, ...assigner });
  const further = [
    ...(identity?.others ?? []).map(same),
    ...(elect("OtherPatientIDsSequence", ({ otherIdentifiers }) => filled(otherIdentifiers)) ?? []),
  ];
  const known = new Set([JSON.stringify([system, value])]);
  const distinct = further.filter((one) => {
    const key = JSON.stringify([one.system, one.value]);
    return !known.has(key) && known.add(key);
  });
  return [{ type, system, value, ...assigner }, ...distinct];
}

const OTHER_NAMES = {
  usual: "PersonNamesToUseSequence",
  maiden: "PatientBirthName",
  old: "OtherPatientNames",
} as const satisfies Record<keyof OtherNames, Keyword>;

function electNames(elect: Elect): HumanName[] {
  const other = (use: keyof OtherNames) => elect(OTHER_NAMES[use], ({ otherNames }) => otherNames[use]) ?? [];
  return [
    ...(elect("PatientName", ({ names }) => filled(names)) ?? []),
    ...other("usual"),
    ...other("maiden"),
    ...other("old"),
  ];
}

const EXTENSION_KEYWORDS = {
  [ANIMAL_URL]: "PatientSpeciesCodeSequence",
  [GENDER_IDENTITY_URL]: "GenderIdentitySequence",
  [PRONOUNS_URL]: "ThirdPersonPronounsSequence",
  [CLINICAL_SEX_URL]: "SexParametersForClinicalUseCategorySequence",
  [MOTHERS_NAME_URL]: "PatientMotherBirthName",
} as const satisfies Record<keyof PatientExtensions, Keyword>;

function electExtensions(elect: Elect): Extension[] {
  return PATIENT_EXTENSIONS.flatMap(
    (url: keyof PatientExtensions) => elect(EXTENSION_KEYWORDS[url], ({ extensions }) => extensions[url]) ?? [],
  );
}

function filled<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined;
}
