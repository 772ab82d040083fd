/** The DICOM service as the sync sees it. Classifies failures; waits for nothing. */
import { StudycastError } from "../errors.ts";
import type { StudyId } from "../study.ts";
import { type StudyFilter, searchStudies } from "./query.ts";
import { readStudy, type StudyRead, type StudyVisitor } from "./read-study.ts";
import { createSite, type DicomClientOptions, jsonArray, refuse, type Site } from "./site.ts";

export type DicomClient = {
  /** All instances of a study as they are now; see read-study.ts for what happens when some cannot be read. */
  readStudy(study: StudyId, visitor: StudyVisitor, signal: AbortSignal): Promise<StudyRead>;
  searchStudies(filter: StudyFilter, partition: string, signal: AbortSignal): AsyncIterable<StudyId>;
  /** Names of the partitions. Only for a service that has them. */
  partitions(signal: AbortSignal): Promise<string[]>;
  /** Whether the service answers requests at present: no network trouble, no 5xx, and neither the credential nor the pace is refused. */
  probe(signal: AbortSignal): Promise<boolean>;
};

const MAX_PARTITION_BYTES = 4 * 1024 * 1024;

/**
 * A client of one DICOM service.
 * @throws (its methods) StudycastError DICOM_UNAVAILABLE, DICOM_THROTTLED, DICOM_UNAUTHORIZED, DICOM_CERTIFICATE, DICOM_REFUSED, DICOM_RESPONSE,
 * STUDY_TOO_LARGE, AUTH_FAILED, ABORTED
 */
export function createDicomClient(options: DicomClientOptions): DicomClient {
  const site = createSite(options);
  return {
    readStudy: (study, visitor, signal) => readStudy(site, study, visitor, signal),
    searchStudies: (filter, partition, signal) => searchStudies(site, filter, partition, signal),
    async partitions(signal) {
      const names = await readPartitions(site, signal);
      if (names === undefined) throw new StudycastError("DICOM_REFUSED", { what: "no partitions" });
      return names;
    },
    async probe(signal) {
      try {
        const answer = await site.get(site.address(options.partitions ? "/partitions" : "/studies?limit=1"), signal);
        await answer.discard();
        return true;
      } catch (error) {
        if (error instanceof StudycastError && error.code !== "ABORTED") return false;
        throw error;
      }
    },
  };
}

/**
 * Whether the service has data partitions: it answers `/partitions` with 400 when it has none (the partition name in the feed does not tell).
 * @throws StudycastError as the client's methods
 */
export async function probePartitions(
  options: Pick<DicomClientOptions, "url" | "authorize" | "dispatcher" | "requestTimeoutMs">,
  signal: AbortSignal,
): Promise<boolean> {
  const site = createSite({
    ...options,
    idleTimeoutMs: options.requestTimeoutMs,
    partitions: true,
    maxInstanceBytes: 0,
  });
  return (await readPartitions(site, signal)) !== undefined;
}

/** Undefined when the service has no partitions. */
async function readPartitions(site: Site, signal: AbortSignal): Promise<string[] | undefined> {
  const answer = await site.get(site.address("/partitions"), signal);
  if (answer.status === 400 || answer.status === 404 || answer.status === 405) {
    await answer.discard();
    return undefined;
  }
  if (answer.status !== 200) return refuse(answer);
  return partitionNames(await answer.bytes(MAX_PARTITION_BYTES));
}

function partitionNames(bytes: Buffer): string[] {
  return jsonArray(bytes).flatMap((row) => {
    if (typeof row !== "object" || row === null) return [];
    const name = Object.entries(row).find(([key]) => key.toLowerCase() === "partitionname")?.[1];
    return typeof name === "string" ? [name] : [];
  });
}
