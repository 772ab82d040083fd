/**
 * Reading a study: all of it in one request; if that fails although the service answers, each instance by itself, so that one bad metadata blob does
 * not take the study with it.
 *
 * What must never happen: that trouble of the whole service is taken for bad instances, and a study loses them in FHIR. So instances count as
 * unreadable only after four tries each, and only if the metadata of another instance can be read before and after the last of them.
 */
import { StudycastError } from "../errors.ts";
import { parseStudyId, type StudyId, studyId } from "../study.ts";
import { type Dataset, firstText, type MetadataRead, readMetadata, type Unreadable } from "./metadata.ts";
import { type InstanceName, listInstances, searchPage } from "./query.ts";
import { refuse, type Site } from "./site.ts";

export type StudyVisitor = {
  /** Called with each instance's dataset, one after the other. */
  onInstance(dataset: Dataset): void;
  /** What was handed over so far is void: reading begins again. */
  restart(): void;
};

export type StudyRead =
  | { kind: "read"; instances: number; unreadable: Unreadable[]; bytes: number }
  /** The metadata are not found, and QIDO-RS knows no instance either. */
  | { kind: "absent" };

const WHOLE_TRIES = 2;
const PARALLEL = 4;
const LATER_TRIES = 2;
/** How many other studies are asked whether metadata can be read at all. */
const WITNESSES = 3;

/** @throws StudycastError DICOM_UNAVAILABLE, DICOM_THROTTLED, DICOM_UNAUTHORIZED, DICOM_CERTIFICATE, DICOM_REFUSED, DICOM_RESPONSE, STUDY_TOO_LARGE, AUTH_FAILED, ABORTED */
export async function readStudy(
  site: Site,
  study: StudyId,
  visitor: StudyVisitor,
  signal: AbortSignal,
): Promise<StudyRead> {
  let trouble: StudycastError | undefined;
  for (let attempt = 1; attempt <= WHOLE_TRIES; attempt++) {
    try {
      const read = await readAddress(site, study, "", visitor.onInstance, signal);
      if (read !== "not found" && read.instances + read.unreadable.length > 0) return { kind: "read", ...read };
      trouble = new StudycastError("DICOM_UNAVAILABLE", { status: read === "not found" ? 404 : 200 });
      break;
    } catch (error) {
      if (!mayBeOneInstance(error)) throw error;
      trouble = error;
      visitor.restart();
    }
  }
  const names = await listInstances(site, study, signal);
  const isGone = trouble?.detail["status"] === 404 || trouble?.detail["status"] === 200;
  if (names.length === 0 && isGone) return { kind: "absent" };
  if (names.length === 0) throw trouble ?? new StudycastError("DICOM_UNAVAILABLE");
  return readOneByOne(site, study, names, visitor, signal);
}

/** Metadata below the study's address; no content and "gone" stand for not found. */
async function readAddress(
  site: Site,
  study: StudyId,
  path: string,
  onInstance: (dataset: Dataset) => void,
  signal: AbortSignal,
): Promise<MetadataRead | "not found"> {
  const answer = await site.get(`${site.studyAddress(study)}${path}/metadata`, signal);
  if (answer.status === 404 || answer.status === 410 || answer.status === 204) {
    await answer.discard();
    return "not found";
  }
  if (answer.status !== 200) return refuse(answer);
  const { studyInstanceUid } = parseStudyId(study);
  return readMetadata(
    answer,
    { ...site.options, studyInstanceUid, parse: site.parseDataset, alike: site.alikeReader() },
    onInstance,
  );
}

/** An error in the answer, or an answer that breaks off. A server that names a time to come back, or no answer at all, is the service's trouble. */
function mayBeOneInstance(error: unknown): error is StudycastError {
  if (!(error instanceof StudycastError) || error.code !== "DICOM_UNAVAILABLE") return false;
  const { status, step } = error.detail;
  return step === "body" || (typeof status === "number" && status >= 500 && error.retryAfterMs === undefined);
}

async function readOneByOne(
  site: Site,
  study: StudyId,
  names: readonly InstanceName[],
  visitor: StudyVisitor,
  signal: AbortSignal,
): Promise<StudyRead> {
  const total = { instances: 0, bytes: 0 };
  const unreadable: Unreadable[] = [];
  const notFound: InstanceName[] = [];
  let good: InstanceName | undefined;
  let trouble = new StudycastError("DICOM_UNAVAILABLE", { status: 404, instances: names.length });

  /** Whether it is dealt with: read, or no longer there. */
  async function readOne(name: InstanceName): Promise<boolean> {
    try {
      // Collected first: a body that breaks off behind its instance must not hand it over twice.
      const datasets: Dataset[] = [];
      const read = await readAddress(site, study, pathOf(name), (dataset) => datasets.push(dataset), signal);
      if (read === "not found") {
        notFound.push(name);
        return true;
      }
      unreadable.push(...read.unreadable);
      total.bytes += read.bytes;
      total.instances += read.instances;
      for (const dataset of datasets) visitor.onInstance(dataset);
      good = name;
      return true;
    } catch (error) {
      if (!mayBeOneInstance(error) && !isRefused(error)) throw error;
      trouble = error;
      return false;
    }
  }

  const again = async (names: readonly InstanceName[]): Promise<InstanceName[]> => {
    const still: InstanceName[] = [];
    for (const name of names) if (!(await readOne(name))) still.push(name);
    return still;
  };
  let failed = await inParallel(names, readOne);
  for (let attempt = 0; attempt < LATER_TRIES && failed.length > 0; attempt++) failed = await again(failed);
  if (failed.length > 0) {
    if (!(await metadataCanBeRead(site, study, good, signal))) throw trouble;
    // The service may have come back between the last try and that look: only a failure between two looks that succeed is the instance's own.
    failed = await again(failed);
    if (failed.length > 0 && !(await metadataCanBeRead(site, study, good, signal))) throw trouble;
    unreadable.push(...failed.map((name) => ({ ...name, code: "INSTANCE_UNREADABLE" as const })));
  }
  if (total.instances + unreadable.length === 0) throw trouble;
  const lost = await stillListed(site, study, notFound, signal);
  unreadable.push(...lost.map((name) => ({ ...name, code: "INSTANCE_UNREADABLE" as const })));
  return { kind: "read", ...total, unreadable };
}

/** Deleted meanwhile, or only without its metadata? An instance that is still listed must not leave its study in silence. */
async function stillListed(
  site: Site,
  study: StudyId,
  names: readonly InstanceName[],
  signal: AbortSignal,
): Promise<InstanceName[]> {
  if (names.length === 0) return [];
  const listed = new Set((await listInstances(site, study, signal)).map(pathOf));
  return names.filter((name) => listed.has(pathOf(name)));
}

const pathOf = ({ series, sop }: InstanceName) =>
  `/series/${encodeURIComponent(series)}/instances/${encodeURIComponent(sop)}`;

function isRefused(error: unknown): error is StudycastError {
  return error instanceof StudycastError && (error.code === "DICOM_REFUSED" || error.code === "DICOM_RESPONSE");
}

/** The names whose work returned false. The first error ends all. */
async function inParallel(
  names: readonly InstanceName[],
  work: (name: InstanceName) => Promise<boolean>,
): Promise<InstanceName[]> {
  const failed: InstanceName[] = [];
  let next = 0;
  let broken = false;
  async function lane(): Promise<void> {
    try {
      for (let name = names[next++]; name !== undefined && !broken; name = names[next++])
        if (!(await work(name))) failed.push(name);
    } catch (error) {
      broken = true;
      throw error;
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: PARALLEL }, lane));
  for (const settled of lanes) if (settled.status === "rejected") throw settled.reason;
  return failed;
}

/** Whether the service hands out metadata now: of an instance that was read before, or else of one in another study. */
async function metadataCanBeRead(
  site: Site,
  study: StudyId,
  good: InstanceName | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const { partition } = parseStudyId(study);
  try {
    if (good !== undefined) return await canRead(site, study, good, signal);
    const address = site.partitionAddress(partition);
    const rows = await searchPage(site, `${address}/studies?limit=${WITNESSES + 1}`, signal);
    for (const uid of rows.flatMap((row) => firstText(row, "0020000D") ?? [])) {
      const other = studyId(partition, uid);
      if (other === study) continue;
      const [row] = await searchPage(site, `${site.studyAddress(other)}/instances?limit=1`, signal);
      const [series, sop] = row === undefined ? [] : [firstText(row, "0020000E"), firstText(row, "00080018")];
      if (series !== undefined && sop !== undefined && (await canRead(site, other, { series, sop }, signal)))
        return true;
    }
    return false;
  } catch (error) {
    if (mayBeOneInstance(error)) return false;
    throw error;
  }
}

async function canRead(site: Site, study: StudyId, name: InstanceName, signal: AbortSignal): Promise<boolean> {
  try {
    return (await readAddress(site, study, pathOf(name), () => undefined, signal)) !== "not found";
  } catch (error) {
    if (mayBeOneInstance(error)) return false;
    throw error;
  }
}
