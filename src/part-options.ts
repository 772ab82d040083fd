/** What each part wants to know of the configuration, in the part's own words. Pure tables; what a part is wired to stands in worker.ts. */
import type { FollowOptions } from "./changefeed/index.ts";
import type { Config } from "./config.ts";
import { retrieveUrl } from "./dicomweb/index.ts";
import type { WorkOptions } from "./queue/index.ts";
import type { RoomLimits } from "./room.ts";
import type { SyncDeps } from "./sync.ts";

type Numbers<T> = { [K in keyof T as T[K] extends number ? K : never]: T[K] };

/** The first wait after a failure, where a test has not set the longest one below it. */
const FIRST_BACKOFF_MS = 1000;

export function syncOptions(
  config: Config,
  partitions: boolean,
): Pick<SyncDeps, "policy" | "limits" | "putOffCapMs" | "endpointAddress"> {
  const { DICOM_URL, DICOM_PUBLIC_URL: publicUrl } = config;
  return {
    policy: { patientPolicy: config.PATIENT_POLICY, deletePolicy: config.DELETE_POLICY },
    putOffCapMs: config.BACKOFF_CAP_MS,
    limits: { maxEntries: config.FHIR_BUNDLE_ENTRIES, maxBytes: config.FHIR_BUNDLE_BYTES },
    endpointAddress(partition) {
      if (publicUrl === undefined) return retrieveUrl(DICOM_URL, partition, partitions);
      return partitions ? `${publicUrl}/partitions/${encodeURIComponent(partition)}` : publicUrl; // a WADO-RS base already
    },
  };
}

export function queueOptions(config: Config): Numbers<WorkOptions> {
  return {
    concurrency: config.CONCURRENCY,
    lockMs: config.LOCK_MS,
    stalledMs: config.STALLED_MS,
    maxDeaths: config.MAX_DEATHS,
    backoffBaseMs: Math.min(FIRST_BACKOFF_MS, config.BACKOFF_CAP_MS),
    backoffCapMs: config.BACKOFF_CAP_MS,
    pauseCapMs: config.BACKOFF_CAP_MS,
    recheckMs: config.RECHECK_MS,
  };
}

/** No sync job is ever delayed for longer than this: neither by settling (state/row-lua.ts), nor by a retry, nor by a look at what waits, nor because it is put off. */
export function longestDelayMs({ SETTLE_MAX_MS, BACKOFF_CAP_MS, RECHECK_MS }: Config): number {
  return 1000 + Math.max(10 * SETTLE_MAX_MS, BACKOFF_CAP_MS, 1.25 * RECHECK_MS);
}

export function roomLimits(config: Config): RoomLimits {
  return {
    pendingMax: config.PENDING_MAX,
    lowPendingMax: config.LOW_PENDING_MAX,
    memoryMaxPercent: config.REDIS_MEMORY_MAX_PERCENT,
  };
}

export function followOptions(config: Config): Numbers<FollowOptions> {
  return {
    pageSize: config.FEED_PAGE_SIZE,
    readAhead: config.FEED_READ_AHEAD,
    graceMs: config.GRACE_MS,
    rereadAfterMs: config.REREAD_MS,
    pollMinMs: config.POLL_MIN_MS,
    pollMaxMs: config.POLL_MAX_MS,
    backoffCapMs: config.BACKOFF_CAP_MS,
  };
}
