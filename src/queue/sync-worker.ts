/**
 * Runs sync jobs. BullMQ carries the retries; what follows from an error is decided here, by its code.
 *
 * Invariants: at most one sync of a study runs in this process (a lost lock may hand the same job out again: the older run is aborted and waited for);
 * a job ends as completed or failed only after the handler, or `setAside`, has told the state so; anything else keeps the job alive.
 */
import { DelayedError, type Job, type Queue, RateLimitError, UnrecoverableError, WaitingError, Worker } from "bullmq";
import { Cluster } from "ioredis";
import { errorRow, errorText, StudycastError, toStudycastError } from "../errors.ts";
import { type ConnectOptions, closeRedis, createRedis, endsInTime, type RedisClient } from "../redis/index.ts";
import type { StudyId } from "../study.ts";
import { backoffMs, endsWithin, sleep } from "../time.ts";
import { BACKOFF, QUEUE_NAME, queuePrefix, type SyncJobData } from "./job.ts";
import { createBreaker, type PauseOptions } from "./pause.ts";
import { type Policy, policyFor } from "./retry-policy.ts";

export type RunningJob = {
  study: StudyId;
  jobId: string;
  /** How often a process has died, or lost the job, while it ran it. */
  deaths: number;
  /** Tries of this job so far, this one included. */
  attempt: number;
};
/** What was decided about a failed try; for log and metrics. */
export type Decision = { kind: "fail" | "recheck" | "retry" | "pause" | "return"; inMs: number | undefined };

export type WorkOptions = Pick<PauseOptions, "probe" | "onPause"> & {
  /** `signal` aborts when the lock is lost, too; `ending` only when the process ends. */
  handle(job: RunningJob, signal: AbortSignal, ending: AbortSignal): Promise<void>;
  /** Called instead of `handle` when processes have died in this job too often; must make the state say so. */
  setAside(job: RunningJob, error: StudycastError): Promise<void>;
  onFailure(study: StudyId, error: StudycastError, decision: Decision): void;
  concurrency: number;
  lockMs: number;
  stalledMs: number;
  maxDeaths: number;
  backoffBaseMs: number;
  backoffCapMs: number;
  /** Delay before a study that waits for a change elsewhere is looked at again. */
  recheckMs: number;
  /** Retry-After is honoured up to this. */
  pauseCapMs: number;
  random?(): number;
};

export type SyncWorker = {
  /** Finishes what runs within the deadline, then aborts it; ends also when Redis is dead. */
  close(deadlineMs: number): Promise<void>;
  /** Opens BullMQ's worker anew, with connections of its own; what runs goes on, and is handed out once more when its lock has run out. */
  reopen(): void;
  /** Aborts what runs, at once. */
  abort(): void;
  running(): number;
  /** When this process last started a job (epoch ms); its own start when it has not yet. */
  lastStartedMs(): number;
};

/** After the deadline, this long is left for aborted jobs to go back to the queue. */
const RETURN_MS = 2000;
/** BullMQ must never fail a job by itself, as the state would not know; deaths are judged here. */
const NEVER = 1_000_000_000;
/** A cluster that is told to disconnect has ended after this. */
const END_MS = 1000;

export function startWorker(
  queue: Queue<SyncJobData>,
  producer: RedisClient,
  { connection, sourceId }: { connection: Omit<ConnectOptions, "kind" | "name">; sourceId: string },
  options: WorkOptions,
): SyncWorker {
  const random = options.random ?? Math.random;
  const breaker = createBreaker(producer, queue.toKey("limiter"), {
    baseMs: options.backoffBaseMs,
    capMs: options.pauseCapMs,
    random,
    probe: options.probe,
    onPause: options.onPause,
  });
  const runs = new Map<StudyId, { abort: AbortController; ended: Promise<void> }>();
  const stopping = new AbortController();
  let lastStarted = Date.now();

  async function run(job: Job<SyncJobData>, token: string | undefined, lockSignal: AbortSignal): Promise<void> {
    const { study } = job.data;
    lastStarted = Date.now();
    // Again after each wait: the job may have been handed out a third time meanwhile.
    for (let older = runs.get(study); older !== undefined; older = runs.get(study)) {
      older.abort.abort();
      await older.ended;
    }
    const abort = new AbortController();
    const signal = AbortSignal.any([lockSignal, stopping.signal, abort.signal]);
    const work = attempt(job, token, signal, lockSignal);
    const entry = { abort, ended: work.catch(() => {}).then(() => {}) };
    runs.set(study, entry);
    try {
      await work;
    } finally {
      if (runs.get(study) === entry) runs.delete(study);
    }
  }

  async function attempt(
    job: Job<SyncJobData>,
    token: string | undefined,
    signal: AbortSignal,
    lockSignal: AbortSignal,
  ): Promise<void> {
    const { study } = job.data;
    const deaths = job.stalledCounter ?? 0;
    const running = { study, jobId: job.id ?? "", deaths, attempt: job.attemptsMade + 1 };
    let handled = false;
    try {
      signal.throwIfAborted();
      if (deaths > options.maxDeaths) {
        const error = new StudycastError("WORKER_DIED", { deaths });
        await options.setAside(running, error);
        throw error;
      }
      handled = true;
      await options.handle(running, signal, stopping.signal);
      breaker.worked();
    } catch (thrown) {
      const error = signal.aborted ? new StudycastError("ABORTED", {}, { cause: thrown }) : toStudycastError(thrown);
      // With Redis away nothing may have been noted of them yet.
      if (deaths > 0 && handled && errorRow(error.code).service !== "redis")
        await forgetDeaths(producer, queue, job.id);
      const policy = policyFor(error);
      throw await follow(policy, error, job, token, signal, lockSignal);
    }
  }

  /** Does what the policy says and gives the error that tells BullMQ so. */
  async function follow(
    policy: Policy,
    error: StudycastError,
    job: Job<SyncJobData>,
    token: string | undefined,
    signal: AbortSignal,
    lockSignal: AbortSignal,
  ): Promise<Error> {
    const { study } = job.data;
    const tell = (kind: Decision["kind"], inMs?: number) => options.onFailure(study, error, { kind, inMs });
    switch (policy.kind) {
      case "fail":
        tell("fail");
        return new UnrecoverableError(errorText(error.code, error.detail));
      case "return":
        tell("return");
        if (lockSignal.aborted && !stopping.signal.aborted) return new WaitingError(); // the job is somebody else's by now
        await job.moveToWait(token ?? "");
        return new WaitingError();
      case "recheck":
        tell("recheck", options.recheckMs);
        await job.moveToDelayed(Date.now() + Math.round(options.recheckMs * (0.75 + 0.5 * random())), token);
        return new DelayedError();
      case "suspect":
        if (await breaker.suspect(policy, error.code, signal).catch(() => false)) {
          tell("pause");
          return new RateLimitError();
        }
        break;
      case "retry":
        break;
    }
    tell(
      "retry",
      backoffMs(job.attemptsMade, options.backoffBaseMs, options.backoffCapMs, () => 0.5),
    );
    return error;
  }

  /** BullMQ waits 5 s after a failed look for stalled jobs, with a timer that would keep a closed process alive. */
  class PromptWorker extends Worker<SyncJobData, void> {
    protected override async checkConnectionError<T>(look: () => Promise<T>, delayMs = 5000): Promise<T | undefined> {
      try {
        return await look();
      } catch {
        await sleep(delayMs, stopping.signal);
        return undefined;
      }
    }
  }
  type Opened = { worker: Worker<SyncJobData, void>; clients: RedisClient[] };
  function open(): Opened {
    const clients: RedisClient[] = [];
    const redis = track(createRedis({ ...connection, name: "studycast-worker", kind: "patient" }), clients);
    const worker = new PromptWorker(QUEUE_NAME, (job, token, signal) => run(job, token, neverless(signal)), {
      connection: trackDuplicates(redis, clients),
      prefix: queuePrefix(sourceId),
      concurrency: options.concurrency,
      lockDuration: options.lockMs,
      stalledInterval: options.stalledMs,
      maxStalledCount: NEVER,
      drainDelay: 2,
      runRetryDelay: 1000,
      limiter: { max: NEVER, duration: 1000 }, // never reached, but without it a rate limit would not stop the other workers
      removeOnComplete: { count: 100 },
      removeOnFail: { count: 5000 },
      settings: {
        backoffStrategy: (attemptsMade, type) =>
          type === BACKOFF ? backoffMs(attemptsMade - 1, options.backoffBaseMs, options.backoffCapMs, random) : 0,
      },
    });
    worker.on("error", () => {}); // Redis' trouble is told by the state's own commands
    worker.on("lockRenewalFailed", (ids) => {
      for (const id of ids) worker.cancelJob(id); // without a reason in words: throwIfAborted would throw the words, not an AbortError
    });
    return { worker, clients };
  }
  let opened = open();

  let closing: Promise<void> | undefined;
  async function close(deadlineMs: number): Promise<void> {
    const { worker, clients } = opened;
    // Not only what this worker runs: one that was opened anew leaves runs behind.
    const ended = [...runs.values()].map((one) => one.ended);
    const closed = Promise.all([worker.close().catch(() => {}), ...ended]);
    const idle = await endsWithin(closed, deadlineMs);
    stopping.abort();
    if (!idle) await endsWithin(closed, RETURN_MS);
    for (const client of clients) closeRedis(client);
    await endsWithin(Promise.all([...runs.values()].map(({ ended }) => ended)), RETURN_MS);
  }

  return {
    close(deadlineMs) {
      closing ??= close(deadlineMs);
      return closing;
    },
    reopen() {
      if (closing !== undefined) return;
      const { worker, clients } = opened;
      opened = open();
      void worker.close(true).catch(() => {});
      for (const client of clients) closeRedis(client);
    },
    abort: () => stopping.abort(),
    running: () => runs.size,
    lastStartedMs: () => lastStarted,
  };
}

/** BullMQ types the signal as optional; with a three-argument processor it always gives one. */
const neverless = (signal: AbortSignal | undefined): AbortSignal => signal ?? new AbortController().signal;

function track(redis: RedisClient, clients: RedisClient[]): RedisClient {
  clients.push(redis);
  return redis;
}

/** BullMQ duplicates the connection for its blocking command; whoever opens it, we close it. */
function trackDuplicates(redis: RedisClient, clients: RedisClient[]): RedisClient {
  const duplicate = redis.duplicate.bind(redis) as (...args: unknown[]) => RedisClient;
  const tracked = (...args: unknown[]) => {
    const copy = track(duplicate(...args), clients);
    copy.on("error", () => {});
    if (copy instanceof Cluster) endsInTime(copy, END_MS);
    return copy;
  };
  return Object.assign(redis, { duplicate: tracked });
}

/** A try that ended in order shows that the study does not kill processes. */
async function forgetDeaths(redis: RedisClient, queue: Queue<SyncJobData>, jobId: string | undefined): Promise<void> {
  if (jobId !== undefined) await redis.hset(queue.toKey(jobId), "stc", 0).catch(() => {});
}
