import { tagOf } from "./dictionary.ts";

/** The 36 attributes $bulkUpdate may change (contract §4.5): patient identification and demographics, three of the study. */
const keywords = `
  PatientName PatientID OtherPatientIDs TypeOfPatientID OtherPatientNames PatientBirthName PatientMotherBirthName
  MedicalRecordLocator PatientAge Occupation ConfidentialityConstraintOnPatientDataDescription PatientBirthDate
  PatientBirthTime PatientSex QualityControlSubject PatientSize PatientWeight PatientAddress MilitaryRank BranchOfService
  CountryOfResidence RegionOfResidence PatientTelephoneNumbers EthnicGroup PatientReligiousPreference PatientComments
  ResponsiblePerson ResponsiblePersonRole ResponsibleOrganization PatientSpeciesDescription PatientBreedDescription
  BreedRegistrationNumber AccessionNumber ReferringPhysicianName StudyDescription IssuerOfPatientID`;

/** Retired attributes are missing from the dictionary's keywords. */
const retired = ["00101000", "00101090"];

export function updatableTags(): ReadonlySet<string> {
  const tags = keywords
    .trim()
    .split(/\s+/)
    .map((keyword) => tagOf(keyword));
  return new Set([...tags.filter((tag) => tag !== undefined), ...retired]);
}
