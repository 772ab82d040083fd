/** Studies, dates and times as operators type them. */
import { isInstant } from "../config.ts";
import { parseStudyId, type StudyId, studyId } from "../study.ts";
import { UsageError } from "./command.ts";

/** Values of `--study`: UIDs (DICOM PS3.5 §9.1), each with its partition before a slash where it is not the default one. */
export function studyIds(values: unknown): StudyId[] {
  return (Array.isArray(values) ? values.map(String) : []).map((text) => {
    const { partition, studyInstanceUid } = parseStudyId(text);
    if (!/^[0-9][0-9.]{0,63}$/.test(studyInstanceUid) || !/^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,64}$/.test(partition))
      throw new UsageError(
        "--study expects a StudyInstanceUID, or partition/StudyInstanceUID.",
        "studycast status, which shows studies as they are to be typed",
      );
    return studyId(partition, studyInstanceUid);
  });
}

/** `A..B`, `A..`, `..B` or one day; 2026-01-31 or 20260131 each. */
export function dateRange(text: string): { from?: string; to?: string } {
  const parts = text.split("..");
  const [from, to] = parts.length === 1 ? [text, text] : parts.map((part) => part.trim());
  const days = [from, to].map((day) => (day === undefined || day === "" ? undefined : dicomDate(day)));
  const [first, last] = days;
  const wrong =
    parts.length > 2 ||
    (first === undefined && last === undefined) ||
    (first !== undefined && last !== undefined && first > last);
  if (wrong)
    throw new UsageError(
      "--study-date expects A..B, A.. or ..B.",
      "studycast resync --study-date 2026-01-01..2026-01-31",
    );
  return { ...(first === undefined ? {} : { from: first }), ...(last === undefined ? {} : { to: last }) };
}

function dicomDate(text: string): string {
  const match = /^(\d{4})-?(\d\d)-?(\d\d)$/.exec(text);
  const iso = match === null ? "" : `${match[1]}-${match[2]}-${match[3]}`;
  // A day that is not in the calendar comes back as another one, or not at all.
  const at = Date.parse(`${iso}T00:00:00Z`);
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== iso)
    throw new UsageError(`"${text}" is no day.`, "studycast resync --study-date 2026-01-01..2026-01-31");
  return iso.replaceAll("-", "");
}

/** A time with its zone, in milliseconds since 1970. */
export function instant(flag: string, text: string): number {
  if (isInstant(text)) return Date.parse(text);
  throw new UsageError(`${flag} expects a time with its zone.`, `studycast resync ${flag} 2026-01-31T00:00:00Z`);
}
