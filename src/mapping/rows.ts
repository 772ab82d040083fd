/**
 * The mapping as data: one row per FHIR element (or per kind of item of a shared list), in a file for each resource. docs/mapping.md is printed from
 * it, ownership is derived from it, and a test fails when an element is written that has no row. Adding an element begins here.
 */
import { type OwnershipTree, ownershipTree } from "./ownership.ts";
import { ENDPOINT_ROWS } from "./rows/endpoint.ts";
import { INSTANCE_ROWS } from "./rows/instance.ts";
import { PATIENT_ROWS } from "./rows/patient.ts";
import { type FhirVersion, type MappingRow, targetIn } from "./rows/row.ts";
import { SERIES_ROWS } from "./rows/series.ts";
import { STUDY_ROWS } from "./rows/study.ts";

/** Raise it when the same input gives other resources: stamped with the state, so that a new version syncs everything again. */
export const MAPPING_VERSION = 1;

export const MAPPING_ROWS: readonly MappingRow[] = [
  ...PATIENT_ROWS,
  ...STUDY_ROWS,
  ...SERIES_ROWS,
  ...INSTANCE_ROWS,
  ...ENDPOINT_ROWS,
];

export type OwnedType = "Patient" | "ImagingStudy" | "Endpoint";

/** What is ours of each type of resource, by FHIR version. */
export const OWNERSHIP: Readonly<Record<FhirVersion, Readonly<Record<OwnedType, OwnershipTree>>>> = {
  R4: ownershipIn("R4"),
  R5: ownershipIn("R5"),
};

function ownershipIn(version: FhirVersion): Record<OwnedType, OwnershipTree> {
  const rows = MAPPING_ROWS.flatMap((row) => {
    const target = targetIn(row, version);
    return target === undefined ? [] : [{ target, ownership: row.ownership }];
  });
  const tree = (type: OwnedType) => ownershipTree(type, rows);
  return { Patient: tree("Patient"), ImagingStudy: tree("ImagingStudy"), Endpoint: tree("Endpoint") };
}
