/** What `studycast status --json` prints and the status page shows. Names of members are a contract; readers ignore those they do not know. */
import type { ErrorCode, Service } from "../errors.ts";
import type { StoredRequest } from "../state/index.ts";
import type { Priority, StudyId } from "../study.ts";
import type { Verdict } from "./probes.ts";

export type FeedState = "following" | "catching-up" | "degraded" | "backpressure" | "stopped" | "unknown";

/** What the worker writes into Redis every few seconds, so that `status` can tell it when the worker is gone. */
export type WorkerStatus = {
  version: string;
  /** Address of the status page. */
  url?: string;
  startedAt: string;
  updatedAt: string;
  ready: Verdict;
  feed: { state: FeedState; latest?: number; code?: ErrorCode };
  /** Services because of which all syncs are paused, and until when. */
  pauses: readonly { service: Service; code: ErrorCode; until: string }[];
};

export type FailedStudy = { study: StudyId; code: ErrorCode; hint: string; since: string };
export type PendingStudy = { study: StudyId; since: string; code?: ErrorCode };
export type FeedRange = {
  id: string;
  priority: Priority;
  from: number;
  /** null: open, follows the feed. */
  to: number | null;
  scan: number;
  holes: number;
};

export type StatusSnapshot = {
  source: string;
  at: string;
  /** null: no worker has ever written a status. `alive` is false when it has not written for a while. */
  worker: (WorkerStatus & { alive: boolean }) | null;
  feed: {
    state: FeedState;
    code: ErrorCode | null;
    /** Last sequence of the feed as the worker last saw it. */
    latest: number | null;
    /** Sequence up to which the open range has been read. */
    scan: number | null;
    ranges: readonly FeedRange[];
    /** Entries without usable UIDs, ever. */
    rejectedEntries: number;
  };
  studies: {
    pending: number;
    /** Those of `pending` that have low priority. */
    pendingLow: number;
    /** Pending studies by the code of what they wait for. */
    waiting: Readonly<Partial<Record<ErrorCode, number>>>;
    failed: number;
    /** Studies whose last sync left instances out. */
    withRejectedInstances: number;
    oldestPendingSeconds: number | null;
  };
  /** The first few of each: the newest failures, the oldest pending. */
  failed: readonly FailedStudy[];
  pending: readonly PendingStudy[];
  requests: readonly StoredRequest[];
};
