/** De-identified and synthetic data (PS3.3 C.7.1.1, C.12.1.1): what says so, and the labels their Patient carries. */
import type { Coding } from "fhir/r4";
import { codeContext, readCodes } from "./codes.ts";
import { type Dataset, text } from "./dataset.ts";
import type { Note } from "./issues.ts";
import type { MappingOptions } from "./options.ts";

/** Labels for `meta` of a Patient who is nobody. */
export type Anonymity = { security: readonly Coding[]; tag: readonly Coding[] };

const ANONYMIZED: Coding = {
  system: "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
  code: "ANONYED",
  display: "anonymized",
};
const TEST_DATA: Coding = {
  system: "http://terminology.hl7.org/CodeSystem/v3-ActReason",
  code: "HTEST",
  display: "test health data",
};

/**
 * Undefined for data of a real patient. A method of de-identification counts too unless the data set says NO: a de-identified study joined to a real
 * Patient harms, a real one that stands alone is seen and mended.
 */
export function readAnonymity(dataset: Dataset, options: MappingOptions, note: Note): Anonymity | undefined {
  const removed = yesOrNo(dataset, "PatientIdentityRemoved", note);
  const synthetic = yesOrNo(dataset, "SyntheticData", note) === "YES";
  const codes = readCodes(dataset, "DeidentificationMethodCodeSequence", codeContext(dataset, options, note), note);
  const method = codes.length > 0 || text(dataset, "DeidentificationMethod", note) !== undefined;
  const anonymized = removed === "YES" || (removed !== "NO" && method);
  if (!anonymized && !synthetic) return undefined;
  return {
    security: [...(anonymized ? [ANONYMIZED] : []), ...(synthetic ? [TEST_DATA] : [])],
    tag: anonymized ? codes.flatMap(({ coding }) => coding?.[0] ?? []) : [],
  };
}

type Flag = "PatientIdentityRemoved" | "SyntheticData" | "QualityControlSubject";

export function yesOrNo(dataset: Dataset, keyword: Flag, note: Note): "YES" | "NO" | undefined {
  const value = text(dataset, keyword, note)?.toUpperCase();
  if (value === undefined || value === "YES" || value === "NO") return value;
  note(keyword, "unknown-code");
  return undefined;
}
