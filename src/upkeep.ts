/**
 * What every process does besides: gives pending studies without a job one (healing: a crash between mark and enqueue, a Redis that went back, a hand in
 * the dashboard), samples the end of the feed, tells metrics, probes and `status` where things are.
 */
import { type FeedClient, parseCheckpoint } from "./changefeed/index.ts";
import { errorRow, toStudycastError } from "./errors.ts";
import type { Health } from "./health.ts";
import { errorFields, type Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { SyncQueue, SyncWorker } from "./queue/index.ts";
import type { State } from "./state/index.ts";
import { sleep } from "./time.ts";

export type UpkeepDeps = {
  state: State;
  queue: SyncQueue;
  worker: SyncWorker;
  feed: FeedClient;
  memory(): Promise<{ used: number; max: number | undefined }>;
  health: Health;
  metrics: Metrics;
  log: Log;
  concurrency: number;
  healMs: number;
  /** The queue's worker is opened anew when jobs could start and none does for so long. */
  reopenMs: number;
  /** No sync job is ever delayed for longer. */
  longestDelayMs: number;
  /** After this time it is tried again to read what could not be read. */
  recheckMs: number;
  latestMs: number;
  now(): number;
  /** What this process says of itself, as JSON. */
  statusJson(): string;
};

const TICK_MS = 2000;
const FRESH_MS = 3 * TICK_MS;

/** Runs all of it until the signal aborts; trouble with Redis is told once, and waited out. */
export async function runUpkeep(deps: UpkeepDeps, signal: AbortSignal): Promise<void> {
  const { health, log, now } = deps;
  let untilHealMs = 0;
  let untilRecheckMs = deps.recheckMs;
  let told = "";
  let readySinceMs: number | undefined;
  let idleMs = 0;
  let lastStartedMs = 0;
  const tickMs = Math.min(TICK_MS, deps.healMs);
  while (!signal.aborted) {
    try {
      // Counted down, not compared with the clock, which may be set back by an hour.
      if (untilHealMs <= 0) {
        await heal(deps, signal);
        untilHealMs = deps.healMs;
      }
      if (untilRecheckMs <= 0 && health.follows()) {
        await readAgain(deps);
        untilRecheckMs = deps.recheckMs;
      }
      const couldStart = await tell(deps);
      readySinceMs = couldStart ? (readySinceMs ?? now()) : undefined;
      // After an idle hour the last start is an hour ago: what counts is since when a job could have started.
      health.stuck(readySinceMs && Math.max(readySinceMs, deps.worker.lastStartedMs()));
      const startedMs = deps.worker.lastStartedMs();
      idleMs = couldStart && startedMs === lastStartedMs ? idleMs + tickMs : 0;
      lastStartedMs = startedMs;
      if (idleMs >= deps.reopenMs) {
        idleMs = 0;
        reopen(deps);
      }
      health.redis(undefined);
      if (told !== "") log.info("Redis answers again", { service: "redis" });
      told = "";
    } catch (thrown) {
      const error = toStudycastError(thrown);
      if (signal.aborted) return;
      idleMs = 0;
      health.redis(error.code);
      deps.metrics.inc("redis_errors_total", 1, { code: error.code });
      if (error.code !== told) log.warn("Redis is in trouble", errorFields(error));
      told = error.code;
    }
    health.beat("upkeep");
    await sleep(tickMs, signal);
    untilHealMs -= tickMs;
    untilRecheckMs -= tickMs;
  }
}

/** A connection lost at a bad moment can leave BullMQ waiting for an answer that never comes. */
function reopen({ worker, metrics, log }: UpkeepDeps): void {
  worker.reopen();
  metrics.inc("queue_worker_reopened_total", 1);
  log.warn("sync jobs wait and none started: the queue's worker is opened anew", { service: "redis" });
}

/**
 * Samples the end of the feed on a timer of its own, and how far the stored checkpoint is: a follower that hangs, here or in another process, shows as a
 * growing distance.
 */
export async function sampleLatest(
  { feed, state, metrics, latestMs }: Pick<UpkeepDeps, "feed" | "state" | "metrics" | "latestMs">,
  onLatest: (sequence: number, scanned: number) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const latest = (await feed.latest(signal))?.sequence ?? 0;
      metrics.set("feed_latest_sequence", latest);
      onLatest(latest, await scanned(state));
    } catch (thrown) {
      const { code } = toStudycastError(thrown);
      if (!signal.aborted && errorRow(code).service !== "redis") metrics.inc("feed_errors_total", 1, { code });
    }
    await sleep(latestMs, signal);
  }
}

/** Whether the feed, as it is now, has been read to its end. When the feed cannot be asked, nobody knows: false. */
export async function isFeedRead(
  { feed, state }: Pick<UpkeepDeps, "feed" | "state">,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const latest = (await feed.latest(signal))?.sequence ?? 0;
    return (await scanned(state)) >= latest;
  } catch (thrown) {
    const error = toStudycastError(thrown);
    if (error.code === "ABORTED" || errorRow(error.code).service === "redis") throw error;
    return false;
  }
}

async function scanned(state: State): Promise<number> {
  const stored = await state.checkpoint();
  if (stored.kind === "none") return 0;
  return parseCheckpoint(stored.text).ranges.find(({ to }) => to === null)?.scan ?? 0;
}

async function heal({ state, queue, longestDelayMs, metrics, log }: UpkeepDeps, signal: AbortSignal): Promise<void> {
  const stray = await queue.pullStray(longestDelayMs);
  if (stray > 0) log.info("sync jobs were delayed under a clock that has been set back since", { count: stray });
  for await (const orders of state.allPending()) {
    if (signal.aborted) return;
    const without = new Set(await queue.withoutCarrier(orders.map(({ study }) => study)));
    const healed = orders.filter(({ study }) => without.has(study));
    if (healed.length === 0) continue;
    await queue.enqueue(healed);
    metrics.inc("jobs_healed_total", healed.length);
    log.info("pending studies had no job and got one", { count: healed.length });
  }
}

/** So many studies at a time. */
const MOST_READ_AGAIN = 1000;

/**
 * Marks studies whose instances, some or all, could not be read: what is wrong with a blob may be the trouble of an hour, and its end stands in no feed.
 * Without this a passing trouble would leave an image out for good.
 */
async function readAgain({ state, queue, recheckMs, log, now }: UpkeepDeps): Promise<void> {
  const isDue = (atMs: number) => now() - atMs >= recheckMs || now() < atMs;
  const failed = (await state.failed(MOST_READ_AGAIN)).filter(
    ({ code, atMs }) => code === "INSTANCE_UNREADABLE" && isDue(atMs),
  );
  const partly = await state.unreadableStudies(recheckMs, now(), MOST_READ_AGAIN);
  const studies = new Set([...partly, ...failed.map(({ study }) => study)]);
  if (studies.size === 0) return;
  const marked = await state.mark([...studies].map((study) => ({ study, priority: "low" })));
  if (marked.ok) await queue.enqueue(marked.orders);
  log.debug("studies with unreadable instances are read again", { count: studies.size });
}

/** Tells how things are; true when a job could start in this process now. */
async function tell({
  state,
  queue,
  worker,
  memory,
  health,
  metrics,
  concurrency,
  now,
  statusJson,
}: UpkeepDeps): Promise<boolean> {
  const [counts, jobs, pausedMs, byOperator, redis] = await Promise.all([
    state.counts(),
    queue.counts(),
    queue.pausedMs(),
    queue.pausedByOperator(),
    memory(),
  ]);
  metrics.set("pending_studies", counts.pending - counts.pendingLow, { priority: "live" });
  metrics.set("pending_studies", counts.pendingLow, { priority: "low" });
  metrics.setAll("waiting_studies", counts.waiting);
  metrics.set("oldest_pending_seconds", (counts.oldestPendingMs ?? 0) / 1000);
  metrics.set("failed_studies", counts.failed);
  metrics.set("studies_with_rejected_instances", counts.rejected);
  metrics.set("syncs_running", worker.running());
  metrics.set("redis_memory_bytes", redis.used);
  metrics.set("ready", health.ready().ok ? 1 : 0);
  if (health.follows() || !(await isFresh(state, now()))) await state.writeStatus(statusJson());
  return (
    jobs.waiting + jobs.prioritized + jobs.due > 0 && pausedMs === 0 && !byOperator && worker.running() < concurrency
  );
}

/** Whether a process has told its status a moment ago. There is room for one; the one that follows the feed has the most to say. */
async function isFresh(state: State, nowMs: number): Promise<boolean> {
  const text = await state.readStatus();
  const { updatedAt } = (text === undefined ? {} : JSON.parse(text)) as { updatedAt?: string };
  return updatedAt !== undefined && Math.abs(nowMs - Date.parse(updatedAt)) < FRESH_MS;
}
