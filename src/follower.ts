/**
 * Following: whoever holds the lease reads the feed and, page by page, marks the studies that changed and moves the checkpoint in one Redis write.
 *
 * The lease only spares double reading. What keeps two followers from harming each other is the write id: a page is stored only if the last page
 * stored is the one this follower stored or loaded; otherwise all that is in memory is dropped and following starts again from Redis.
 */
import { randomUUID } from "node:crypto";
import {
  type Checkpoint,
  type FeedClient,
  type FeedPage,
  type FeedStart,
  type FollowOptions,
  follow,
  initialCheckpoint,
  msToTicks,
  parseCheckpoint,
  ticksToMs,
} from "./changefeed/index.ts";
import { type StudycastError, toStudycastError } from "./errors.ts";
import type { SyncQueue } from "./queue/index.ts";
import type { Change, JobOrder, State } from "./state/index.ts";
import { type StudyId, studyId } from "./study.ts";
import { sleep } from "./time.ts";

/** So many sequences below the end may be given out, but not yet committed. */
const LATE_COMMITS = 100;

export type FollowerDeps = {
  feed: FeedClient;
  state: State;
  queue: Pick<SyncQueue, "enqueue">;
  /** Where to start when there is no checkpoint yet. */
  feedStart(signal: AbortSignal): Promise<FeedStart>;
  follow: FollowOptions;
  leaseMs: number;
  /** What the holder of the lease does besides: carries out operators' requests, takes second looks. Each ends with its signal. */
  besides: readonly ((signal: AbortSignal) => Promise<void>)[];
  onLease(held: boolean): void;
  /** Told why this process, which could follow, does not; undefined when it does, or need not because another one does. */
  onTrouble(error: StudycastError | undefined): void;
  onPage(page: FeedPage, studies: number): void;
};

/** Jobs that may wait for the queue while pages are stored. */
const MOST_COLLECTED = 2000;
/** The longest that a study which the next page may go on with waits for that page. */
const HELD_MS = 300;

/** Follows the feed whenever the lease is ours, until the signal aborts. Trouble never ends it. */
export async function runFollower(deps: FollowerDeps, signal: AbortSignal): Promise<void> {
  const holder = randomUUID();
  while (!signal.aborted) {
    try {
      if (await deps.state.lease(holder, deps.leaseMs)) await holdLease(holder, deps, signal);
      deps.onTrouble(undefined);
    } catch (thrown) {
      if (!signal.aborted) deps.onTrouble(toStudycastError(thrown));
    }
    await sleep(deps.leaseMs / 3, signal);
  }
}

/** One term: ends when the lease cannot be renewed, or when any task ends; the others have ended too by then. */
async function holdLease(holder: string, deps: FollowerDeps, signal: AbortSignal): Promise<void> {
  const term = new AbortController();
  const both = AbortSignal.any([signal, term.signal]);
  const endWith = (task: Promise<void>) => task.finally(() => term.abort());
  deps.onLease(true);
  try {
    const besides = deps.besides.map((task) => task(both));
    const tasks = [renew(holder, deps, both), followFromState(deps, both), ...besides];
    const ended = await Promise.allSettled(tasks.map(endWith));
    const failed = ended.find((task) => task.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  } finally {
    deps.onLease(false);
    await deps.state.release(holder);
  }
}

async function renew(holder: string, deps: FollowerDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(deps.leaseMs / 3, signal);
    if (signal.aborted || !(await deps.state.lease(holder, deps.leaseMs))) return;
  }
}

/** Follows from the stored checkpoint until the signal aborts; a page that is refused sends it back to the stored checkpoint. */
async function followFromState(deps: FollowerDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let { writeId, checkpoint } = await loadCheckpoint(deps, signal);
    const jobs = enqueueBeside(deps.queue);
    try {
      for await (const page of follow(deps.feed, checkpoint, deps.follow, signal)) {
        const stored: string | undefined = await storePage(page, writeId, jobs, deps);
        if (stored === undefined) break;
        writeId = stored;
      }
    } finally {
      await jobs.end();
    }
  }
}

async function loadCheckpoint(
  deps: FollowerDeps,
  signal: AbortSignal,
): Promise<{ writeId: string; checkpoint: Checkpoint }> {
  const stored = await deps.state.checkpoint();
  if (stored.kind === "found") return { writeId: stored.writeId, checkpoint: parseCheckpoint(stored.text) };
  const checkpoint = initialCheckpoint(await deps.feedStart(signal), await deps.feed.latest(signal));
  const page = { expected: null, writeId: randomUUID(), checkpoint: JSON.stringify(checkpoint) };
  const marked = await deps.state.mark([], { page });
  return marked.ok ? { writeId: page.writeId, checkpoint } : loadCheckpoint(deps, signal);
}

/**
 * FEED_START as the tracker understands it: a time becomes the place of its first entry. When the feed holds none so young, following starts at the end
 * that was seen before the search, and a little before it: what comes meanwhile, or is committed late, is not skipped.
 */
export async function feedStartOf(
  option: FeedStart | { timeMs: number },
  feed: FeedClient,
  signal: AbortSignal,
): Promise<FeedStart> {
  if (typeof option === "string" || !("timeMs" in option)) return option;
  const end = (await feed.latest(signal))?.sequence ?? 0;
  const sequence = await feed.sequenceAt(msToTicks(option.timeMs), signal);
  return sequence === undefined ? { sequence: Math.max(0, end - LATE_COMMITS) } : { atSequence: sequence };
}

/** The id of the write when the page is stored, undefined when another write came between. */
async function storePage(
  page: FeedPage,
  expected: string,
  jobs: Jobs,
  deps: FollowerDeps,
): Promise<string | undefined> {
  const writeId = randomUUID();
  const changes = changedStudies(page);
  // First: once the page is stored its sequences are passed, and an entry that is listed twice does less harm than one that never is.
  if (page.rejected.length > 0) await deps.state.rejectEntries(page.rejected);
  const marked = await deps.state.mark(changes, {
    page: { expected, writeId, checkpoint: JSON.stringify(page.checkpoint) },
  });
  if (!marked.ok) return undefined;
  await jobs.add(marked.orders, goesOn(page, deps.follow.pageSize));
  deps.onPage(page, changes.length);
  return writeId;
}

/** The study that the page after a full page of a backfill probably goes on with: a study of 500 images is five pages long. */
function goesOn({ priority, entries, rangesDone }: FeedPage, pageSize: number): StudyId | undefined {
  const last = entries.at(-1);
  if (last === undefined || priority === "live" || rangesDone.length > 0 || entries.length < pageSize / 2)
    return undefined;
  return studyId(last.partition, last.study);
}

type Jobs = {
  /**
   * Waits only when very many jobs are not in the queue yet. The job of `open` is held back until the next call, but not for long: a sync that begins
   * between two pages of one study reads it for nothing. @throws StudycastError of service redis, also for jobs added before
   */
  add(orders: readonly JobOrder[], open: StudyId | undefined): Promise<void>;
  /** Waits until all are in the queue. @throws as `add` */
  end(): Promise<void>;
};

/**
 * Puts jobs into the queue while the next pages are stored; what comes meanwhile goes in together, each study once. That a page is stored and its jobs are
 * not yet there is what a crash between the two leaves as well: healing finds it.
 */
function enqueueBeside(queue: FollowerDeps["queue"]): Jobs {
  let collected = new Map<StudyId, JobOrder>();
  let underWay: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;
  let held: JobOrder | undefined;
  let release: NodeJS.Timeout | undefined;

  function put(order: JobOrder | undefined): void {
    if (order !== undefined) collected.set(order.study, moreUrgent(collected.get(order.study), order));
  }

  function start(): void {
    if (collected.size > 0) underWay ??= run();
  }

  function letGo(): void {
    clearTimeout(release);
    put(held);
    held = undefined;
    start();
  }

  async function run(): Promise<void> {
    try {
      while (collected.size > 0 && failure === undefined) {
        const orders = [...collected.values()];
        collected = new Map();
        await queue.enqueue(orders);
      }
    } catch (error) {
      failure = { error };
    }
    underWay = undefined;
  }
  const check = () => {
    if (failure !== undefined) throw failure.error;
  };
  return {
    async add(orders, open) {
      clearTimeout(release);
      const all = held === undefined ? orders : [held, ...orders];
      held = undefined;
      for (const order of all) {
        if (order.study === open) held = moreUrgent(held, order);
        else put(order);
      }
      if (held !== undefined) release = setTimeout(letGo, HELD_MS);
      start();
      if (collected.size > MOST_COLLECTED) await underWay;
      check();
    },
    async end() {
      letGo();
      await underWay;
      check();
    },
  };
}

/** Of two orders for one study what satisfies both. */
function moreUrgent(before: JobOrder | undefined, order: JobOrder): JobOrder {
  if (before === undefined) return order;
  return {
    study: order.study,
    delayMs: Math.min(before.delayMs, order.delayMs),
    priority: before.priority === "live" ? "live" : order.priority,
    pull: before.pull || order.pull,
  };
}

/**
 * One change per study of a page: deleted when any entry says so, as young as its youngest entry, or as the operator's wish to have it read again.
 * Entries that came later than the grace period have no age: the study's last read may lie after their time and yet have missed them.
 */
export function changedStudies(page: Pick<FeedPage, "entries" | "priority" | "askedMs" | "late">): Change[] {
  const { entries, priority, late, askedMs = 0 } = page;
  const changes = new Map<StudyId, { gone: boolean; changedAtMs: number }>();
  for (const entry of entries) {
    const study = studyId(entry.partition, entry.study);
    const known = changes.get(study) ?? { gone: false, changedAtMs: askedMs };
    known.gone ||= entry.state === "deleted";
    known.changedAtMs = Math.max(known.changedAtMs, ticksToMs(entry.ticks));
    changes.set(study, known);
  }
  return [...changes].map(([study, { gone, changedAtMs }]) => ({
    study,
    priority,
    gone,
    ...(late > 0 ? {} : { changedAtMs }),
  }));
}
