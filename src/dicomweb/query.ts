/** QIDO-RS (DICOM PS3.18 §10.6) with paging. */
import { StudycastError } from "../errors.ts";
import { type StudyId, studyId } from "../study.ts";
import { type Dataset, firstText } from "./metadata.ts";
import { jsonArray, refuse, type Site } from "./site.ts";

/** The service's greatest page. */
const LIMIT = 200;
/** Pages overlap: rows move up when something newer is deleted while paging, and what moves across a border would be skipped. */
const OVERLAP = 20;
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
/** UIDs of study, series and instance: what tells rows apart. */
const NAMES = ["0020000D", "0020000E", "00080018"];
/** DICOM PS3.5 §9.1; it begins with a digit, so that no path made of it leads elsewhere, as `..` would. */
const UID = /^[0-9][0-9.]{0,63}$/;

/**
 * All rows of a search, page by page; rows may come twice (they move down when data arrive).
 * @throws StudycastError DICOM_RESPONSE also when a full page is the one before it again: a service that does not page would be asked for ever
 */
async function* searchPages(site: Site, address: string, signal: AbortSignal): AsyncGenerator<Dataset[], void> {
  const join = address.includes("?") ? "&" : "?";
  let before = "";
  for (let offset = 0; ; offset += LIMIT - OVERLAP) {
    const rows = await searchPage(site, `${address}${join}limit=${LIMIT}&offset=${offset}`, signal);
    if (rows.length > 0) yield rows;
    if (rows.length < LIMIT) return;
    const names = rows.map((row) => NAMES.map((tag) => firstText(row, tag) ?? "").join("/")).join();
    if (names === before) throw new StudycastError("DICOM_RESPONSE", { what: "no paging" });
    before = names;
  }
}

/** One page; 204 and 404 stand for no rows. */
export async function searchPage(site: Site, url: string, signal: AbortSignal): Promise<Dataset[]> {
  const answer = await site.get(url, signal);
  if (answer.status === 204 || answer.status === 404) {
    await answer.discard();
    return [];
  }
  if (answer.status !== 200) return refuse(answer);
  const bytes = await answer.bytes(MAX_PAGE_BYTES);
  return bytes.length === 0 ? [] : parseRows(bytes);
}

function parseRows(bytes: Buffer): Dataset[] {
  return jsonArray(bytes).filter(
    (row): row is Dataset => typeof row === "object" && row !== null && !Array.isArray(row),
  );
}

export type InstanceName = { series: string; sop: string };

/**
 * The instances of a study; empty when QIDO-RS knows none.
 * @throws StudycastError DICOM_RESPONSE when one has no UIDs, STUDY_TOO_LARGE when they are more than the limit
 */
export async function listInstances(site: Site, study: StudyId, signal: AbortSignal): Promise<InstanceName[]> {
  const found = new Map<string, InstanceName>();
  const maxInstances = site.options.maxStudyInstances ?? Number.POSITIVE_INFINITY;
  for await (const rows of searchPages(site, `${site.studyAddress(study)}/instances`, signal)) {
    for (const row of rows) {
      const [series, sop] = [firstText(row, "0020000E"), firstText(row, "00080018")];
      if (series === undefined || sop === undefined || !UID.test(series) || !UID.test(sop))
        throw new StudycastError("DICOM_RESPONSE", { what: "no UIDs" });
      found.set(`${series}/${sop}`, { series, sop });
    }
    if (found.size > maxInstances) throw new StudycastError("STUDY_TOO_LARGE", { maxInstances });
  }
  return [...found.values()];
}

/** `studyDate`: DICOM dates (yyyymmdd), both ends included. */
export type StudyFilter = { patientId?: string; studyDate?: { from: string; to: string } };

/** The studies of a partition that match, newest first; one may come twice when data arrive meanwhile. */
export async function* searchStudies(
  site: Site,
  { patientId, studyDate }: StudyFilter,
  partition: string,
  signal: AbortSignal,
): AsyncGenerator<StudyId, void> {
  const query = new URLSearchParams();
  if (patientId !== undefined) query.set("PatientID", patientId);
  if (studyDate !== undefined) query.set("StudyDate", `${studyDate.from}-${studyDate.to}`);
  const search = query.size > 0 ? `?${query.toString().replaceAll("+", "%20")}` : "";
  let before = new Set<string>();
  for await (const rows of searchPages(site, `${site.partitionAddress(partition)}/studies${search}`, signal)) {
    const uids = new Set(rows.flatMap((row) => firstText(row, "0020000D") ?? []).filter((uid) => UID.test(uid)));
    for (const uid of uids) if (!before.has(uid)) yield studyId(partition, uid);
    before = uids;
  }
}
