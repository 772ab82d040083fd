/** Elements that are written only when asked for: option MAPPING_INCLUDE, a list of these names. */
export const INCLUDES = {
  "gender-identity": "gender identity, pronouns and sex parameters for clinical use of a Patient, as the R5 extensions",
  demographics: "death, address, telephone, language and mother's maiden name of a Patient",
  "study-note": "the study description as a note of the study too, as DICOMcast did",
  "acquisition-parameters":
    "values that all instances of a series share, such as the tube voltage, as extensions of the series",
} as const;

export type Include = keyof typeof INCLUDES;

export function isInclude(name: string): name is Include {
  return Object.hasOwn(INCLUDES, name);
}
