/** WADO-RS metadata (DICOM PS3.18 §10.4): an answer of any length, handed on one instance at a time. */
import { setImmediate } from "node:timers/promises";
import { type ErrorCode, StudycastError } from "../errors.ts";
import type { Answer } from "../get.ts";
import { countParts, MAX_PARTS } from "../json-weight.ts";
import type { AlikeReader } from "./alike-datasets.ts";
import { createElementSplitter } from "./elements.ts";
import { findUids } from "./find-uids.ts";
import type { DatasetParser } from "./pick-elements.ts";

/** How much of an unreadable instance is searched for its UIDs. */
const LOOKED_AT_BYTES = 1024 * 1024;
/** A body that comes fast would else keep the answers of the FHIR server, and the renewal of locks, waiting until its end. */
const LONGEST_TURN_MS = 2;

/** StudyInstanceUID. */
export const STUDY_UID_TAG = "0020000D";

/** One instance in the DICOM JSON model (DICOM PS3.18 §F.2): tag → { vr, Value }. */
export type Dataset = Record<string, unknown>;

/** An instance whose metadata cannot be read, with what is known of it. */
export type Unreadable = { series?: string; sop?: string; code: ErrorCode };

export type MetadataRead = { instances: number; bytes: number; unreadable: Unreadable[] };

/**
 * Reads the answer to its end. An element that is no dataset of this study, or is too large, is reported and does not disturb the others.
 * @throws StudycastError DICOM_UNAVAILABLE (detail `step: body`) when the body breaks off, DICOM_RESPONSE when it is no array, STUDY_TOO_LARGE
 */
export async function readMetadata(
  answer: Answer,
  expected: {
    studyInstanceUid: string;
    maxInstanceBytes: number;
    maxStudyInstances?: number | undefined;
    maxStudyBytes?: number | undefined;
    parse: DatasetParser;
    /** Tried first, where an instance is all there in one piece. */
    alike?: AlikeReader | undefined;
  },
  onInstance: (dataset: Dataset) => void,
): Promise<MetadataRead> {
  const read: MetadataRead = { instances: 0, bytes: 0, unreadable: [] };
  const { maxStudyInstances = Number.POSITIVE_INFINITY, maxStudyBytes = Number.POSITIVE_INFINITY } = expected;
  const makeRoom = () => {
    if (read.instances + read.unreadable.length >= maxStudyInstances)
      throw new StudycastError("STUDY_TOO_LARGE", { maxInstances: maxStudyInstances });
  };
  const report = (bytes: Buffer) => {
    makeRoom();
    read.unreadable.push({ ...findUids(bytes.toString("utf8", 0, LOOKED_AT_BYTES)), code: "INSTANCE_UNREADABLE" });
  };
  const take = (dataset: Dataset | undefined, bytes: Buffer) => {
    if (dataset === undefined || isOfAnotherStudy(dataset, expected.studyInstanceUid)) {
      report(bytes);
      return;
    }
    makeRoom();
    read.instances++;
    onInstance(dataset);
  };
  const takeWhole = (bytes: Buffer, start: number): number => {
    const whole = bytes.length > MAX_PARTS ? undefined : expected.alike?.read(bytes, start);
    if (whole === undefined || whole.end - start > expected.maxInstanceBytes) return -1;
    take(whole.dataset, bytes.subarray(start, whole.end));
    return whole.end;
  };
  const takeElement = (bytes: Buffer) => take(parseDataset(bytes, expected.parse), bytes);
  const splitter = createElementSplitter(expected.maxInstanceBytes, takeElement, report, takeWhole);
  let busySinceMs = performance.now();
  for await (const bytes of answer.chunks()) {
    if (performance.now() - busySinceMs > LONGEST_TURN_MS) {
      await setImmediate();
      busySinceMs = performance.now();
    }
    read.bytes += bytes.length;
    if (read.bytes > maxStudyBytes) throw new StudycastError("STUDY_TOO_LARGE", { maxBytes: maxStudyBytes });
    splitter.push(bytes);
    if (splitter.isNoArray()) throw new StudycastError("DICOM_RESPONSE", { what: "no array" });
  }
  if (splitter.end() === "open") throw new StudycastError("DICOM_UNAVAILABLE", { step: "body", kind: "truncated" });
  return read;
}

function parseDataset(bytes: Buffer, parse: DatasetParser): Dataset | undefined {
  try {
    if (bytes.length > MAX_PARTS && countParts(bytes) > MAX_PARTS) return undefined;
    const json = parse(bytes);
    return typeof json === "object" && json !== null && !Array.isArray(json) ? (json as Dataset) : undefined;
  } catch {
    return undefined;
  }
}

/** An instance that names another study must not get into this one, which may be another patient's. One that names none is for the mapping to judge. */
function isOfAnotherStudy(dataset: Dataset, studyInstanceUid: string): boolean {
  const named = firstText(dataset, STUDY_UID_TAG);
  return named !== undefined && named !== studyInstanceUid;
}

/** The first value of an element as text, without padding (trailing spaces and NULs, DICOM PS3.5 §6.2); undefined when it has none. */
export function firstText(dataset: Dataset, tag: string): string | undefined {
  const element = dataset[tag];
  if (typeof element !== "object" || element === null || !("Value" in element)) return undefined;
  const value: unknown = Array.isArray(element.Value) ? element.Value[0] : undefined;
  if (typeof value !== "string") return undefined;
  let end = value.length;
  while (end > 0 && (value.charCodeAt(end - 1) === 0 || value.charCodeAt(end - 1) === 0x20)) end--;
  return end === 0 ? undefined : value.slice(0, end);
}
