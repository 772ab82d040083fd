/** The metadata of synthetic studies as the DICOM emulator serves them, made in this process. */
import { createSyntheticBackend } from "../emulators/dicom/synthetic.ts";
import type { MappingOptions } from "../src/mapping/index.ts";
import { DEFAULT_PARTITION, type StudyId, studyId } from "../src/study.ts";
import { PATIENT_ID_SYSTEM, SOURCE_ID } from "./stage.ts";

/** As the worker's defaults, with the benchmarks' identifier system. */
export const MAPPING: MappingOptions = {
  sourceId: SOURCE_ID,
  patientIdSystem: PATIENT_ID_SYSTEM,
  issuerSystems: {},
  instanceListLimit: 5000,
  splitGiven: false,
  upsert: new Set(["Device"]),
};

export type SyntheticStudy = { study: StudyId; series: string; texts: string[] };

/** Studies of CT images, one JSON text per instance. */
export function syntheticStudies(count: number, images: number): SyntheticStudy[] {
  const backend = createSyntheticBackend({ studies: count, images });
  return Array.from({ length: count }, (_, index) => {
    const rows = backend.feedBySequence(index * images, (index + 1) * images);
    const [first] = rows;
    if (first === undefined) throw new RangeError("no such study");
    // Copied: the text is put together from pieces, and whoever reads it first would pay for joining them.
    const texts = rows.map((row) => Buffer.from(row.current?.json() ?? "").toString("utf8"));
    return { study: studyId(DEFAULT_PARTITION, first.study), series: first.series, texts };
  });
}
