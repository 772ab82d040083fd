/**
 * What an operator asks for. A command writes a request into Redis; the process that follows the feed carries it out, in the order of asking, after a
 * crash again (marking a study twice does no harm). No request holds a patient's data: `resync --patient` is turned into
 * a list of studies before it is stored.
 */
import type { StudyId } from "./study.ts";

export type Request =
  /** Marks these studies. `confirmDeletes`: one that is absent from the DICOM service is removed from FHIR. */
  | { kind: "study"; studies: readonly StudyId[]; confirmDeletes: boolean }
  /** Marks what QIDO-RS finds by Study Date; YYYYMMDD, an absent end is open (range matching, DICOM PS3.4 §C.2.2.2.5). */
  | { kind: "study-date"; from?: string; to?: string; confirmDeletes: boolean }
  /** Reads the part of the feed between two times once more, as a range of low priority. Milliseconds since 1970. */
  | { kind: "changed"; sinceMs: number; untilMs?: number; confirmDeletes: boolean }
  /** Marks every study of the DICOM service and every study of this source in FHIR. */
  | { kind: "all"; confirmDeletes: boolean }
  /** Gives failed studies a fresh try: those named, or all. */
  | { kind: "retry"; studies: readonly StudyId[] | "all" };

/** A stored command as a Request; undefined when another version wrote something this one does not know. */
export function parseRequest(command: Readonly<Record<string, unknown>>): Request | undefined {
  const { kind, studies, sinceMs, untilMs, from, to } = command;
  const confirmDeletes = command["confirmDeletes"] === true;
  if (kind === "study" && isStudies(studies)) return { kind, studies, confirmDeletes };
  if (kind === "retry" && (studies === "all" || isStudies(studies))) return { kind, studies };
  if (kind === "all") return { kind, confirmDeletes };
  if (kind === "changed" && typeof sinceMs === "number")
    return { kind, sinceMs, confirmDeletes, ...(typeof untilMs === "number" ? { untilMs } : {}) };
  if (kind === "study-date")
    return {
      kind,
      confirmDeletes,
      ...(typeof from === "string" ? { from } : {}),
      ...(typeof to === "string" ? { to } : {}),
    };
  return undefined;
}

function isStudies(value: unknown): value is StudyId[] {
  return Array.isArray(value) && value.every((study) => typeof study === "string");
}
