/**
 * The mapping as data: one row per FHIR element (or per kind of item of a shared list), in a file for each resource. docs/mapping.md is printed from
 * it, ownership is derived from it, and a test fails when an element is written that has no row. Adding an element begins here.
 */
import type { MappingOptions } from "./options.ts";
import { type OwnedElement, type OwnershipTree, ownershipTree } from "./ownership.ts";
import { ENDPOINT_ROWS } from "./rows/endpoint.ts";
import { INSTANCE_ROWS } from "./rows/instance.ts";
import { PATIENT_ROWS } from "./rows/patient.ts";
import { type MappingRow, targetIn } from "./rows/row.ts";
import { SERIES_ROWS } from "./rows/series.ts";
import { STUDY_ROWS } from "./rows/study.ts";
import { SUPPORTING_ROWS } from "./rows/supporting.ts";
import { SUPPORTING_TYPES, type SupportingType } from "./supporting.ts";

/** Raise it when the same input gives other resources: stamped with the state, so that a new version syncs everything again. */
export const MAPPING_VERSION = 2;

export const MAPPING_ROWS: readonly MappingRow[] = [
  ...PATIENT_ROWS,
  ...STUDY_ROWS,
  ...SERIES_ROWS,
  ...INSTANCE_ROWS,
  ...ENDPOINT_ROWS,
  ...SUPPORTING_ROWS,
];

export type OwnedType = "Patient" | "ImagingStudy" | "Endpoint" | SupportingType;
export type Ownership = Readonly<Record<OwnedType, OwnershipTree>>;

const known = new Map<string, Ownership>();

/**
 * What is ours of each type of resource. Elements of opt-in rows that are not asked for belong to others: what they hold is neither compared nor removed.
 * The same arguments give the same object.
 * @param more elements that somebody owns for us, beside the rows
 */
export function ownershipOf(
  { fhirVersion = "R4", include }: Pick<MappingOptions, "fhirVersion" | "include">,
  more: readonly OwnedElement[] = [],
): Ownership {
  const key = JSON.stringify([fhirVersion, [...(include ?? [])].sort(), more]);
  const made = known.get(key);
  if (made !== undefined) return made;
  const rows = MAPPING_ROWS.flatMap((row) => {
    const target = targetIn(row, fhirVersion);
    const wanted = row.optIn === undefined || include?.has(row.optIn) === true;
    return target === undefined || !wanted ? [] : [{ target, ownership: row.ownership }];
  });
  const tree = (type: OwnedType) => ownershipTree(type, [...rows, ...more]);
  const types: readonly OwnedType[] = ["Patient", "ImagingStudy", "Endpoint", ...SUPPORTING_TYPES];
  const ownership = Object.fromEntries(types.map((type) => [type, tree(type)])) as Record<OwnedType, OwnershipTree>;
  known.set(key, ownership);
  return ownership;
}
