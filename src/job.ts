/**
 * One sync job: begin (which mark?), sync, settle (is it still the mark?). The only place where the outcome of a sync meets the state.
 *
 * Invariant: when a job ends, the study is settled, or failed with its code, or pending with a job behind it.
 */
import { errorRow, type StudycastError, toStudycastError } from "./errors.ts";
import type { SyncQueue } from "./queue/index.ts";
import type { State } from "./state/index.ts";
import type { Priority, StudyId } from "./study.ts";
import type { SyncJob, SyncResult } from "./sync.ts";

export type JobDeps = {
  state: State;
  queue: Pick<SyncQueue, "enqueue" | "removeFailed">;
  sync(job: SyncJob, signal: AbortSignal): Promise<SyncResult>;
  now(): number;
  /** Told once per job that ended, with how long the study had been pending and how old its first unsynced change is, in milliseconds. */
  onSynced(
    study: StudyId,
    result: SyncResult,
    times: { tookMs: number; pendingMs: number; ageMs: number; priority: Priority },
  ): void;
  /** Told when a job ended because another sync came first, or it lost a race; the study is synced again. */
  onSuperseded(study: StudyId): void;
};

/** `signal`: the lock was lost, another run of this job waits, or the process ends. `ending`: the process ends. */
export type JobSignals = { signal: AbortSignal; ending: AbortSignal };

/**
 * Runs one job.
 * @throws StudycastError after the state has taken note of it; the queue decides what comes next by its code.
 */
export async function runJob(
  job: { study: StudyId; jobId: string; deaths: number },
  deps: JobDeps,
  { signal, ending }: JobSignals,
): Promise<void> {
  const { study, jobId, deaths } = job;
  const row = await deps.state.begin(study);
  // The process that died in it may have died between a write and its answer.
  if (deaths > 0) await deps.state.noteSecondLook(study);
  let hasWritten = false;
  const startedMs = performance.now();
  try {
    const isCurrent = () => deps.state.isCurrent(study, row.mark);
    const gone = row.gone || row.confirmDelete;
    const startWrite = () => {
      hasWritten = true;
      return ending;
    };
    const result = await deps.sync({ study, gone, isRetaken: deaths > 0, isCurrent, startWrite }, signal);
    const endedMs = deps.now();
    if (result.kind === "superseded") {
      const { againInMs } = result;
      // What is put off has not changed: a mark would make it, and its real changes, settle longer.
      if (againInMs === undefined) await markAgain(study, deps, row.priority);
      else await deps.queue.enqueue([{ study, delayMs: againInMs, priority: row.priority, pull: false }]);
      deps.onSuperseded(study);
      return;
    }
    const tookMs = performance.now() - startedMs; // it delays the next sync: the wall clock may be set meanwhile
    const settled = await deps.state.settle(study, row.mark, {
      kind: "synced",
      tookMs,
      // Remembered also when FHIR did not hold it: a sync that was frozen before its write may still bring it there.
      deleted: result.absent && gone,
      rejected: result.rejected,
    });
    if (settled.settled) await deps.queue.removeFailed(settled.failedJobIds);
    else await deps.queue.enqueue([settled.order]);
    deps.onSynced(study, result, {
      tookMs,
      pendingMs: endedMs - row.sinceMs,
      ageMs: endedMs - row.changedMs,
      priority: row.priority,
    });
  } catch (thrown) {
    const error = toStudycastError(thrown);
    // Before all else: the server may carry the write out after the next sync, and no change of the study would follow.
    if (hasWritten && errorRow(error.code).outcomeUnknown) await deps.state.noteSecondLook(study);
    // Without the lock nobody repeats this job, and what it has written may have come after the other worker's write.
    if (hasWritten && signal.aborted && !ending.aborted) await markAgain(study, deps, row.priority);
    else await takeNote(study, row.mark, jobId, error, deps);
    throw error;
  }
}

async function takeNote(
  study: StudyId,
  mark: string,
  jobId: string,
  error: StudycastError,
  deps: JobDeps,
): Promise<void> {
  if (error.code === "ABORTED") return;
  if (errorRow(error.code).class !== "permanent") {
    await deps.state.note(study, mark, error.code);
    return;
  }
  const settled = await deps.state.settle(study, mark, { kind: "failed", code: error.code, jobId });
  if (settled.settled) await deps.queue.removeFailed(settled.failedJobIds);
  else await deps.queue.enqueue([settled.order]);
}

/** Called instead of `runJob` when a study has been the death of too many processes: it is failed until a person looks at it. */
export async function setAside(
  job: { study: StudyId; jobId: string },
  error: StudycastError,
  deps: JobDeps,
): Promise<void> {
  const row = await deps.state.begin(job.study);
  await takeNote(job.study, row.mark, job.jobId, error, deps);
  // It would revive the study, and kill as many processes again.
  await deps.state.dropSecondLook(job.study);
}

/** Marks a study as changed and gives it a job; for a sync that was overtaken, and for a retry in the dashboard. */
export async function markAgain(
  study: StudyId,
  deps: Pick<JobDeps, "state" | "queue">,
  priority: Priority = "live",
): Promise<void> {
  const marked = await deps.state.mark([{ study, priority }]);
  if (marked.ok) await deps.queue.enqueue(marked.orders);
}
