/** Elements that are written only when asked for: option MAPPING_INCLUDE, a list of these names. What is sensitive has a name of its own. */
export const INCLUDES = {
  "gender-identity": "gender identity of a Patient (extension individual-genderIdentity)",
  pronouns: "pronouns of a Patient (extension individual-pronouns)",
  "clinical-sex": "sex parameters for clinical use of a Patient (extension patient-sexParameterForClinicalUse)",
  "birth-time": "time of birth of a Patient (extension patient-birthTime), where its time zone is known",
  deceased: "that a Patient is dead, told by a date of death",
  address: "address of a Patient",
  telecom: "telephone numbers and other telecommunication addresses of a Patient",
  language: "languages of a Patient",
  "mothers-maiden-name": "birth name of a Patient's mother (extension patient-mothersMaidenName)",
  "responsible-person": "the person responsible for a human Patient as a contact; an animal's is always written",
  "anatomical-region": "regions of a study by its body sites, as IHE MADO's extension",
  "frame-count": "number of frames of multi-frame instances, as IHE MADO's extension",
  "key-object-title": "coded title of key objects, as IHE MADO's extension",
  "study-note": "the study description as a note of the study too, as DICOMcast did",
  "acquisition-parameters":
    "values that all instances of a series share, such as the tube voltage, as extensions of the series",
} as const;

/** Profiles that studies claim where they satisfy them: option PROFILES (profiles.ts). */
export const PROFILES = {
  "ihe-imr": "IHE Interactive Multimedia Report: ImagingStudy (R4)",
  "ihe-mado": "IHE Manifest-based Access to DICOM Objects: ImagingStudy (R4)",
  "eu-imaging": "HL7 Europe Imaging: ImagingStudy (R4, R5)",
} as const;

export type Profile = keyof typeof PROFILES;
/** What is written only when asked for. */
export type Include = keyof typeof INCLUDES | Profile;

export function isInclude(name: string): name is Include {
  return Object.hasOwn(INCLUDES, name) || Object.hasOwn(PROFILES, name);
}

/** The opt-in elements of these names, and those that profiles among them need. */
export function wantedIncludes(names: readonly string[]): ReadonlySet<Include> {
  const wanted = new Set(names.filter(isInclude));
  if (wanted.has("ihe-mado"))
    for (const implied of ["anatomical-region", "frame-count", "key-object-title"] as const) wanted.add(implied);
  return wanted;
}
