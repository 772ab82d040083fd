/**
 * What an operator asks for. A command writes a request into Redis; the process that follows the feed carries it out, in the order of asking, after a
 * crash again from its start (marking a study twice does no harm). No request holds a patient's data: `resync --patient` is turned into
 * a list of studies before it is stored.
 */
import type { ErrorCode } from "../errors.ts";
import type { StudyId } from "../study.ts";

export type Request =
  /** Marks these studies. `confirmDeletes`: one that is absent from the DICOM service is removed from FHIR. */
  | { kind: "study"; studies: readonly StudyId[]; confirmDeletes: boolean }
  /** Marks what QIDO-RS finds by Study Date; YYYYMMDD, an absent end is open (DICOM PS3.4 §C.2.2.2.5). */
  | { kind: "study-date"; from?: string; to?: string; confirmDeletes: boolean }
  /** Reads the part of the feed between two times once more, as a range of low priority. Milliseconds since 1970. */
  | { kind: "changed"; sinceMs: number; untilMs?: number; confirmDeletes: boolean }
  /** Marks every study of the DICOM service and every study of this source in FHIR. */
  | { kind: "all"; confirmDeletes: boolean }
  /** Gives failed studies a fresh try: those named, or all. */
  | { kind: "retry"; studies: readonly StudyId[] | "all" };

export type RequestProgress = {
  state: "waiting" | "running" | "done" | "failed";
  /** Studies marked so far (for `changed`: sequences of the range read so far). */
  done: number;
  /** How many there will be, once that is known. */
  total?: number;
  /** Why it failed. */
  code?: ErrorCode;
};

export type StoredRequest = { id: string; request: Request; createdMs: number; progress: RequestProgress };
