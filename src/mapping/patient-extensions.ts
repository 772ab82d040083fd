/** Extensions of a Patient: what R4 and R5 have no element for. One list per URL, in the order of {@link PATIENT_EXTENSIONS}. */
import type { CodeableConcept, Coding, Extension } from "fhir/r4";
import { type CodeContext, readCodes } from "./codes.ts";
import { type Dataset, items, text } from "./dataset.ts";
import type { Include } from "./includes.ts";
import type { Note } from "./issues.ts";
import { DCM } from "./modalities.ts";
import { displayName, readPersonName } from "./person-name.ts";
import type { Keyword } from "./tags.ts";

const HL7 = "http://hl7.org/fhir/StructureDefinition";
export const ANIMAL_URL = `${HL7}/patient-animal`;
export const BIRTH_TIME_URL = `${HL7}/patient-birthTime`;
export const GENDER_IDENTITY_URL = `${HL7}/individual-genderIdentity`;
export const PRONOUNS_URL = `${HL7}/individual-pronouns`;
export const CLINICAL_SEX_URL = `${HL7}/patient-sexParameterForClinicalUse`;
export const MOTHERS_NAME_URL = `${HL7}/patient-mothersMaidenName`;

/** Those of the Patient itself; that of the birth date stands at the birth date. */
export const PATIENT_EXTENSIONS = [
  ANIMAL_URL,
  GENDER_IDENTITY_URL,
  PRONOUNS_URL,
  CLINICAL_SEX_URL,
  MOTHERS_NAME_URL,
] as const;

/** URL → extensions; a URL without any is absent. */
export type PatientExtensions = { readonly [url in (typeof PATIENT_EXTENSIONS)[number]]?: readonly Extension[] };

type Wanted = (name: Include) => boolean;

export function readExtensions(dataset: Dataset, codes: CodeContext, wanted: Wanted, note: Note): PatientExtensions {
  const animal = readAnimal(dataset, codes, note);
  const mother = wanted("mothers-maiden-name")
    ? displayName(readPersonName(dataset, "PatientMotherBirthName", note))
    : undefined;
  return {
    ...(animal === undefined ? {} : { [ANIMAL_URL]: [animal] }),
    ...(wanted("gender-identity") ? coded(dataset, GENDER_IDENTITY, codes, note) : {}),
    ...(wanted("pronouns") ? coded(dataset, PRONOUNS, codes, note) : {}),
    ...(wanted("clinical-sex") ? coded(dataset, CLINICAL_SEX, codes, note) : {}),
    ...(mother === undefined ? {} : { [MOTHERS_NAME_URL]: [{ url: MOTHERS_NAME_URL, valueString: mother }] }),
  };
}

/** A sequence whose items hold one code and a comment (PS3.3 table C.7-1), and the complex extension with `value` and `comment` they become. */
type CodedSequence = { url: (typeof PATIENT_EXTENSIONS)[number]; sequence: Keyword; code: Keyword; comment: Keyword };

const GENDER_IDENTITY: CodedSequence = {
  url: GENDER_IDENTITY_URL,
  sequence: "GenderIdentitySequence",
  code: "GenderIdentityCodeSequence",
  comment: "GenderIdentityComment",
};
const PRONOUNS: CodedSequence = {
  url: PRONOUNS_URL,
  sequence: "ThirdPersonPronounsSequence",
  code: "PronounCodeSequence",
  comment: "PronounComment",
};
const CLINICAL_SEX: CodedSequence = {
  url: CLINICAL_SEX_URL,
  sequence: "SexParametersForClinicalUseCategorySequence",
  code: "SexParametersForClinicalUseCategoryCodeSequence",
  comment: "SexParametersForClinicalUseCategoryComment",
};
const MAX_ITEMS = 16;

function coded(dataset: Dataset, { url, sequence, code, comment }: CodedSequence, codes: CodeContext, note: Note) {
  const found = items(dataset, sequence, note).flatMap((item): Extension[] => {
    const [read] = readCodes(item, code, codes, note);
    const value = url === CLINICAL_SEX.url ? clinicalSex(read) : read;
    if (value === undefined && read?.coding !== undefined) note(code, "unknown-code");
    if (value === undefined) return [];
    const said = text(item, comment, note);
    return [
      {
        url,
        extension: [
          { url: "value", valueCodeableConcept: value },
          ...(said === undefined ? [] : [{ url: "comment", valueString: said }]),
        ],
      },
    ];
  });
  return found.length === 0 ? {} : { [url]: found.slice(0, MAX_ITEMS) };
}

const CLINICAL_SEX_SYSTEM = "http://terminology.hl7.org/CodeSystem/sex-parameter-for-clinical-use";
/** PS3.16 CID 7459 → the codes of the extension's value set. */
const CLINICAL_SEX_CODES = new Map([
  ["131230", "female-typical"],
  ["131231", "male-typical"],
  ["131232", "specified"],
]);
const CLINICAL_SEX_VALUES = new Set(CLINICAL_SEX_CODES.values());

/** The extension's binding is required: a concept needs a code of the value set, which DICOM's codes are given beside them. */
function clinicalSex(read: CodeableConcept | undefined): CodeableConcept | undefined {
  const coding = read?.coding ?? [];
  const isBound = ({ system, code = "" }: Coding) => system === CLINICAL_SEX_SYSTEM && CLINICAL_SEX_VALUES.has(code);
  if (coding.some(isBound)) return read;
  const dicom = coding.find(({ system, code = "" }) => system === DCM && CLINICAL_SEX_CODES.has(code))?.code;
  const code = CLINICAL_SEX_CODES.get(dicom ?? "");
  return code === undefined ? undefined : { ...read, coding: [{ system: CLINICAL_SEX_SYSTEM, code }, ...coding] };
}

const GENDER_STATUS_SYSTEM = "http://hl7.org/fhir/animal-genderstatus";
const GENDER_STATUS: ReadonlyMap<string, CodeableConcept> = new Map([
  ["ALTERED", { coding: [{ system: GENDER_STATUS_SYSTEM, code: "neutered", display: "Neutered" }] }],
  ["UNALTERED", { coding: [{ system: GENDER_STATUS_SYSTEM, code: "intact", display: "Intact" }] }],
]);
const HUMAN_CODES = new Set(["337915000", "L-85B00"]);
const HUMAN_NAMES = new Set(["HOMO SAPIENS", "HUMAN"]);

/** `species` is required by the extension: without one it is not written, whatever else is known. */
function readAnimal(dataset: Dataset, codes: CodeContext, note: Note): Extension | undefined {
  const concept = (sequence: Keyword, description: Keyword): CodeableConcept | undefined => {
    const said = text(dataset, description, note);
    return readCodes(dataset, sequence, codes, note)[0] ?? (said === undefined ? undefined : { text: said });
  };
  const species = concept("PatientSpeciesCodeSequence", "PatientSpeciesDescription");
  const breed = concept("PatientBreedCodeSequence", "PatientBreedDescription");
  if (species === undefined || isHuman(species)) {
    if (species === undefined && breed !== undefined) note("PatientSpeciesDescription", "missing");
    return undefined;
  }
  const neutered = text(dataset, "PatientSexNeutered", note)?.toUpperCase();
  const status = neutered === undefined ? undefined : GENDER_STATUS.get(neutered);
  if (neutered !== undefined && status === undefined) note("PatientSexNeutered", "unknown-code");
  return {
    url: ANIMAL_URL,
    extension: [
      { url: "species", valueCodeableConcept: species },
      ...(breed === undefined ? [] : [{ url: "breed", valueCodeableConcept: breed }]),
      ...(status === undefined ? [] : [{ url: "genderStatus", valueCodeableConcept: status }]),
    ],
  };
}

function isHuman({ coding, text: said }: CodeableConcept): boolean {
  const names = [said, ...(coding ?? []).map(({ display }) => display)];
  return (
    coding?.some(({ code }) => HUMAN_CODES.has(code ?? "")) === true ||
    names.some((name) => name !== undefined && HUMAN_NAMES.has(name.toUpperCase()))
  );
}
