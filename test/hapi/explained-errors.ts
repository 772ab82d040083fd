/** Errors of HAPI's validator that stand: the code is right, and the validator's copy of its code system, a cut of it, lacks it. */
/** `study` is undefined for what belongs to no study. */
export type ExplainedError = { study: string | undefined; path: RegExp; text: RegExp; reason: string };

const CUT = "a modality of DICOM PS3.16 CID 29 that HAPI's cut of the DCM code system lacks";

const unknownModality = (study: string, path: RegExp, code: string): ExplainedError => ({
  study,
  path,
  text: new RegExp(`DCM#${code}'`),
  reason: `${code} is ${CUT}`,
});

const DOCUMENT = "2.16.840.1.113662.2.1.53544936282433.12345.336.16650";
const ANNOTATION = "1.2.826.0.1.3680043.9.7433.3.82970457260936734119270346325882945";
const REAL_WORLD_VALUES = "1.3.6.1.4.1.14519.5.2.1.2744.7002.150059977302243314164020079415";

const R4: readonly ExplainedError[] = [
  unknownModality(DOCUMENT, /^ImagingStudy\.modality\[0\]/, "DOC"),
  unknownModality(DOCUMENT, /^ImagingStudy\.series\[0\]\.modality/, "DOC"),
  unknownModality(ANNOTATION, /^ImagingStudy\.series\[8\]\.modality/, "ANN"),
  unknownModality(REAL_WORLD_VALUES, /^ImagingStudy\.modality\[0\]/, "RWV"),
  unknownModality(REAL_WORLD_VALUES, /^ImagingStudy\.series\[0\]\.modality/, "RWV"),
];

/** R5 binds modalities to a value set that the validator does not hold against a cut of the code system. */
const R5: readonly ExplainedError[] = [
  {
    study: undefined,
    path: /^Endpoint\.connectionType\[0\]/,
    text: /endpoint-connection-type#ihe-iid'/,
    reason: "IHE's connection types are in R4's code system; the validator's copy for R5 has none of them",
  },
];

export const EXPLAINED_ERRORS: Readonly<Record<"r4" | "r5", readonly ExplainedError[]>> = { r4: R4, r5: R5 };
