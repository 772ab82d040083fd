/**
 * The study key without its source, as one string: `<partition>/<StudyInstanceUID>`. Partition names are `[A-Za-z0-9_.-]{1,64}`, so the slash
 * separates without doubt. A service without partitions reports `Microsoft.Default` for all its data.
 */
export type StudyId = string & { readonly brand: "StudyId" };

/** `live`: what the feed reports now. `low`: backfill, re-reads and resync, which must never delay new images. */
export type Priority = "live" | "low";

export const DEFAULT_PARTITION = "Microsoft.Default";

/** Joins a partition and a Study Instance UID (DICOM PS3.5 §9). */
export function studyId(partition: string, studyInstanceUid: string): StudyId {
  return `${partition}/${studyInstanceUid}` as StudyId;
}

/** The parts of a study id; a text without a slash is taken as a UID of the default partition. */
export function parseStudyId(text: string): { partition: string; studyInstanceUid: string } {
  const slash = text.indexOf("/");
  if (slash < 0) return { partition: DEFAULT_PARTITION, studyInstanceUid: text };
  return { partition: text.slice(0, slash), studyInstanceUid: text.slice(slash + 1) };
}
