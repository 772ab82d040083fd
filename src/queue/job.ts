/** What a sync job looks like in BullMQ. It carries the study's key and nothing else; who runs it reads the present state of everything. */
import type { JobsOptions } from "bullmq";
import type { Priority, StudyId } from "../study.ts";

export type SyncJobData = { study: StudyId };

export const QUEUE_NAME = "sync";
export const JOB_NAME = "sync";
export const BACKOFF = "studycast";

/** BullMQ: 0 is before everything, a larger number later. */
const PRIORITY: Record<Priority, number> = { live: 0, low: 10 };
/** No failure is dropped after a time: a transient one is tried again for as long as it lasts. */
const WITHOUT_END = 1_000_000_000;

/** The braces are the hash tag: all keys of a source lie in one slot. */
export const queuePrefix = (sourceId: string): string => `studycast:{${sourceId}}:queue`;

export const priorityNumber = (priority: Priority): number => PRIORITY[priority];

/**
 * Options of a study's job. Deduplication lets one job per study exist; an add while it runs becomes the next one, an add while it waits is merged.
 * Without `replace` or `reschedule`: the one would reset retries, the other starve a study that changes all the time.
 */
export function jobOptions(study: StudyId, delayMs: number, priority: Priority): JobsOptions {
  return {
    deduplication: { id: study, keepLastIfActive: true },
    attempts: WITHOUT_END,
    backoff: { type: BACKOFF },
    stackTraceLimit: 0, // BullMQ would keep one stack per attempt, for ever
    ...(delayMs > 0 ? { delay: Math.round(delayMs) } : {}),
    ...(PRIORITY[priority] > 0 ? { priority: PRIORITY[priority] } : {}),
  };
}
