import type { Include } from "../includes.ts";
import type { RowOwnership } from "../ownership.ts";
import {
  ANIMAL_URL,
  BIRTH_TIME_URL,
  CLINICAL_SEX_URL,
  GENDER_IDENTITY_URL,
  MOTHERS_NAME_URL,
  PRONOUNS_URL,
} from "../patient-extensions.ts";
import { REPRESENTATION_URL } from "../person-name.ts";
import type { Keyword } from "../tags.ts";
import { CREATED_ONLY, KEPT, type MappingRow, TAG_ROW } from "./row.ts";

/** Items that agree in these members count as there; nothing is removed from another's Patient. */
const added = (...members: string[]): RowOwnership => ({
  kind: "items",
  owner: { by: "presence", members },
  keepWhenAbsent: true,
});
const byUrl = (url: string): RowOwnership => ({ kind: "items", owner: { by: "url", url }, keepWhenAbsent: true });
const NAMES: RowOwnership = {
  kind: "items",
  owner: { by: "extension", url: REPRESENTATION_URL },
  keepWhenAbsent: true,
};

/** A sequence of codes with comments. */
function codedRow(
  slice: string,
  optIn: Include,
  url: string,
  tags: readonly Keyword[],
  codes = "",
  source = "PS3.3 C.7.1.1; HL7 extensions pack, also in R4",
): MappingRow {
  return {
    target: "Patient.extension",
    slice,
    optIn,
    tags,
    rule: `\`${url}\`: code and comment of each item; of de-identified data nothing${codes}`,
    ownership: byUrl(url),
    source,
  };
}

export const PATIENT_ROWS: readonly MappingRow[] = [
  {
    target: "Patient.id",
    tags: ["PatientID"],
    rule: "version-5 UUID over (system, value); the same for all sources",
    ownership: CREATED_ONLY,
    source: "studycast",
  },
  { target: "Patient.meta.tag", slice: "created", ...TAG_ROW },
  {
    target: "Patient.meta.tag",
    slice: "de-identification method",
    tags: ["DeidentificationMethodCodeSequence"],
    rule: "The codes of the method, of de-identified data",
    ownership: CREATED_ONLY,
    source: "PS3.3 C.7.1.1, PS3.16 CID 7050",
  },
  {
    target: "Patient.meta.security",
    tags: ["PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence", "SyntheticData"],
    rule: "De-identified data ANONYED, synthetic data HTEST. Its Patient ID has a system of the study's own, so that it is joined to no real Patient and to no other study; other ids and names and opt-in elements are left out; numbers of its orders, visit and procedure have no system",
    ownership: CREATED_ONLY,
    source: "PS3.3 C.7.1.1, C.12.1.1; HL7 v3-ObservationValue, v3-ActReason",
  },
  {
    target: "Patient.identifier",
    tags: [
      "PatientID",
      "IssuerOfPatientIDQualifiersSequence",
      "UniversalEntityID",
      "UniversalEntityIDType",
      "IssuerOfPatientID",
      "IdentifierTypeCode",
      "AssigningFacilitySequence",
    ],
    rule: "The first value is the patient's ID, further ones are further identifiers. System: universal ID by its type, ISSUER_SYSTEMS, an issuer that is itself a URI or OID, PATIENT_ID_SYSTEM. Type by the identifier type code (one of a country as text), else PATIENT_ID_TYPE. The issuer's text becomes the assigner when it gave no system. Only the first finds a Patient; further ones are `secondary`. De-identified data: a system of the study's own, type ANON",
    ownership: added("system", "value"),
    source: "PS3.3 C.7.1.1, 10.15; FHIR v2-0203",
  },
  {
    target: "Patient.identifier",
    slice: "other ids",
    tags: ["OtherPatientIDsSequence", "OtherPatientIDs"],
    rule: "Each with the system and type of its own issuer, without one where that gives none; `secondary`. The retired list adds what the sequence does not say. On Patients that we made only",
    ownership: added("system", "value"),
    source: "PS3.3 C.7.1.1",
  },
  {
    target: "Patient.name",
    tags: ["PatientName"],
    rule: "One name per component group, marked ABC, IDE or SYL; text always; components are not cut unless asked for. An empty name writes nothing. Of de-identified data `anonymous`",
    ownership: NAMES,
    source: "PS3.5 §6.2.1; iso21090-EN-representation",
  },
  {
    target: "Patient.name",
    slice: "usual",
    tags: ["PersonNamesToUseSequence", "NameToUse"],
    rule: "Name to Use: `usual`, text only",
    ownership: added("use", "text"),
    source: "PS3.3 C.7.1.1",
  },
  {
    target: "Patient.name",
    slice: "maiden",
    tags: ["PatientBirthName"],
    rule: "As the name, `maiden`",
    ownership: NAMES,
    source: "PS3.3 C.7.1.3",
  },
  {
    target: "Patient.name",
    slice: "old",
    tags: ["OtherPatientNames"],
    rule: "As the name, `old`; one equal to the name is left out",
    ownership: NAMES,
    source: "PS3.3 C.7.1.1",
  },
  {
    target: "Patient.gender",
    tags: ["PatientSex"],
    rule: "M, F, O and their words; U is unknown; anything else is left out",
    ownership: KEPT,
    source: "PS3.3 C.7.1.1; R4",
  },
  {
    target: "Patient.birthDate",
    tags: ["PatientBirthDate"],
    rule: "A date of the calendar with the precision it has; zeros and ranges are left out",
    ownership: KEPT,
    source: "PS3.5 §6.2; R4",
  },
  {
    target: "Patient._birthDate.extension",
    slice: "time of birth",
    optIn: "birth-time",
    tags: ["PatientBirthTime", "PatientBirthDate", "TimezoneOffsetFromUTC"],
    rule: `\`${BIRTH_TIME_URL}\` where date, time and zone (the data set's offset, else TIME_ZONE) are known`,
    ownership: byUrl(BIRTH_TIME_URL),
    source: "PS3.3 C.7.1.1; FHIR extension, its date is the birth date",
  },
  {
    target: "Patient.extension",
    slice: "animal",
    tags: [
      "PatientSpeciesCodeSequence",
      "PatientSpeciesDescription",
      "PatientBreedCodeSequence",
      "PatientBreedDescription",
      "PatientSexNeutered",
    ],
    rule: `\`${ANIMAL_URL}\`: species, breed, altered or not; codes before descriptions; nothing of a human or without a species`,
    ownership: byUrl(ANIMAL_URL),
    source: "PS3.3 C.7.1.1; FHIR extension",
  },
  codedRow("gender identity", "gender-identity", GENDER_IDENTITY_URL, [
    "GenderIdentitySequence",
    "GenderIdentityCodeSequence",
    "GenderIdentityComment",
  ]),
  codedRow("pronouns", "pronouns", PRONOUNS_URL, [
    "ThirdPersonPronounsSequence",
    "PronounCodeSequence",
    "PronounComment",
  ]),
  codedRow(
    "sex parameters for clinical use",
    "clinical-sex",
    CLINICAL_SEX_URL,
    [
      "SexParametersForClinicalUseCategorySequence",
      "SexParametersForClinicalUseCategoryCodeSequence",
      "SexParametersForClinicalUseCategoryComment",
    ],
    ". DICOM's codes have those of the extension's value set (required binding) beside them; other codes are left out",
    "PS3.3 C.7.1.1; PS3.16 CID 7459; HL7 extensions pack, also in R4",
  ),
  {
    target: "Patient.extension",
    slice: "mother's maiden name",
    optIn: "mothers-maiden-name",
    tags: ["PatientMotherBirthName"],
    rule: `\`${MOTHERS_NAME_URL}\``,
    ownership: byUrl(MOTHERS_NAME_URL),
    source: "PS3.3 C.7.1.3; FHIR extension",
  },
  {
    target: "Patient.deceasedBoolean",
    optIn: "deceased",
    tags: ["PatientDeathDateInAlternativeCalendar"],
    rule: "true where there is a date of death; the date is of another calendar and is not written. Nothing where the Patient has another statement",
    ownership: KEPT,
    source: "PS3.3 C.7.1.1",
  },
  {
    target: "Patient.address",
    optIn: "address",
    tags: ["PatientAddress"],
    rule: "As text. Not beside addresses that others wrote",
    ownership: added("text"),
    source: "PS3.3 C.7.1.3",
  },
  {
    target: "Patient.telecom",
    optIn: "telecom",
    tags: ["PatientTelephoneNumbers", "PatientTelecomInformation"],
    rule: "Numbers as `phone`; the further text as `email` where it is one, else `other`. Not beside those that others wrote",
    ownership: added("system", "value"),
    source: "PS3.3 C.7.1.3",
  },
  {
    target: "Patient.communication",
    optIn: "language",
    tags: ["PatientPrimaryLanguageCodeSequence", "PatientPrimaryLanguageModifierCodeSequence"],
    rule: "BCP 47, with the country of the modifier; a language in another code as text; the first is preferred. Not beside those that others wrote",
    ownership: added("language"),
    source: "PS3.16 CID 5000, 5001; R4 binding",
  },
  {
    target: "Patient.contact",
    tags: ["ResponsiblePerson", "ResponsiblePersonRole", "ResponsibleOrganization"],
    rule: "An animal's owner or other responsible person; that of a human only with MAPPING_INCLUDE `responsible-person`. The role as text, and as v3-RoleCode where that has it",
    ownership: added("relationship", "name", "organization"),
    source: "PS3.3 C.7.1.1",
  },
];
