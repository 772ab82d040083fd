/** What a row of the mapping is; the rows stand in a file for each resource. */
import { TAG_SYSTEM } from "../identity.ts";
import type { Include } from "../includes.ts";
import type { RowOwnership } from "../ownership.ts";
import type { Keyword } from "../tags.ts";

export type FhirVersion = "R4" | "R5";

export type MappingRow = {
  /** Element path; by version where R4 and R5 name it differently, a version that does not have the element left out. */
  target: string | { r4?: string; r5?: string };
  /** Which items of a list the row is about. */
  slice?: string;
  /** Written only when the option MAPPING_INCLUDE names this. */
  optIn?: Include;
  /** DICOM attributes read, most important first. */
  tags: readonly Keyword[];
  rule: string;
  ownership: RowOwnership;
  /** Where the rule is from; `R4` is the FHIR page's own mapping to DICOM. */
  source: string;
};

/** The row's element in one FHIR version; undefined when that version does not have it. */
export function targetIn(row: Pick<MappingRow, "target">, version: FhirVersion): string | undefined {
  if (typeof row.target === "string") return row.target;
  return version === "R4" ? row.target.r4 : row.target.r5;
}

export const WHOLE: RowOwnership = { kind: "whole" };
/** Of a Patient: an empty DICOM value erases nothing. */
export const KEPT: RowOwnership = { kind: "whole", keepWhenAbsent: true };
export const CREATED_ONLY: RowOwnership = { kind: "identity" };
export const PRESENT_IDENTIFIER: RowOwnership = {
  kind: "items",
  owner: { by: "presence", members: ["system", "value"] },
};
export const TAG_ROW = {
  tags: [],
  rule: `code \`created\` in \`${TAG_SYSTEM}\` on resources we created`,
  ownership: CREATED_ONLY,
  source: "studycast",
} as const;
