/** Puts the status together from what is in Redis, so that it can be told while no worker runs. */
import { parseCheckpoint } from "./changefeed/index.ts";
import { errorRow, toStudycastError } from "./errors.ts";
import type { FeedRange, StatusSnapshot, WorkerStatus } from "./http/index.ts";
import type { State } from "./state/index.ts";

/** A worker writes its status every few seconds; one older than this is no sign of life. */
const ALIVE_MS = 20_000;
const SHOWN = 20;

const iso = (ms: number) => new Date(ms).toISOString();

/**
 * Reads the status of a source.
 * @throws StudycastError of service redis
 */
export async function readStatus(state: State, source: string, nowMs: number): Promise<StatusSnapshot> {
  const [text, stored, counts, failed, pending, requests] = await Promise.all([
    state.readStatus(),
    state.checkpoint(),
    state.counts(),
    state.failed(SHOWN),
    state.pending(SHOWN),
    state.requestList(),
  ]);
  const worker = parseWorkerStatus(text, nowMs);
  const position = stored.kind === "none" ? undefined : readRanges(stored.text);
  const unreadable = position === "unreadable";
  const ranges = position === undefined || unreadable ? [] : position;
  return {
    source,
    at: iso(nowMs),
    worker,
    feed: {
      state: unreadable ? "stopped" : worker?.alive ? worker.feed.state : "unknown",
      code: unreadable ? "STATE_UNREADABLE" : ((worker?.alive ? worker.feed.code : undefined) ?? null),
      latest: worker?.feed.latest ?? null,
      scan: ranges.find(({ to }) => to === null)?.scan ?? null,
      ranges,
      rejectedEntries: counts.rejectedEntries,
    },
    studies: {
      pending: counts.pending,
      pendingLow: counts.pendingLow,
      waiting: counts.waiting,
      failed: counts.failed,
      withRejectedInstances: counts.rejected,
      oldestPendingSeconds: counts.oldestPendingMs === undefined ? null : Math.round(counts.oldestPendingMs / 1000),
    },
    failed: failed.map(({ study, code, atMs }) => ({ study, code, hint: errorRow(code).hint, since: iso(atMs) })),
    pending: pending.map(({ study, code, sinceMs }) => ({ study, since: iso(sinceMs), ...(code ? { code } : {}) })),
    requests: requests.slice(-SHOWN),
  };
}

function parseWorkerStatus(text: string | undefined, nowMs: number): StatusSnapshot["worker"] {
  if (text === undefined) return null;
  const written = JSON.parse(text) as WorkerStatus; // only writeStatus of a worker writes it
  return { ...written, alive: nowMs - Date.parse(written.updatedAt) < ALIVE_MS };
}

function readRanges(text: string): FeedRange[] | "unreadable" {
  try {
    return parseCheckpoint(text).ranges.map(({ id, priority, from, to, scan, holes }) => ({
      id,
      priority,
      from,
      to,
      scan,
      holes: holes.length,
    }));
  } catch (thrown) {
    if (toStudycastError(thrown).code === "STATE_UNREADABLE") return "unreadable";
    throw thrown;
  }
}
