/**
 * Following the feed: an endless reader of all ranges of a checkpoint.
 *
 * In turns: ask where the feed ends; read the open range up to there; give low-priority ranges the time until the next question; wait. Trouble never
 * ends it: the feed's own trouble is waited out with growing pauses, a page that fails is narrowed down (range-reader.ts), and a low-priority range in
 * trouble does not hold up the open one. Every turn that has nothing to read ends in a wait.
 */
import { type ErrorCode, StudycastError } from "../errors.ts";
import type { Priority } from "../study.ts";
import { backoffMs, sleep } from "../time.ts";
import { type Checkpoint, type Hole, LIVE_RANGE, type Range } from "./checkpoint.ts";
import type { FeedClient } from "./client.ts";
import type { Entry, RejectedEntry } from "./entry.ts";
import { createRangeReader, type RangeReader } from "./range-reader.ts";
import { readLatest, sampleReadsBack } from "./reset.ts";
import { ticksToMs } from "./ticks.ts";
import { type Absorbed, absorb, absorbUnreadable, nextWindows } from "./tracker.ts";

export type FollowOptions = {
  /** Width of a window, at most 100 (a limit of API v1). */
  pageSize: number;
  /** Windows under way at once. */
  readAhead: number;
  graceMs: number;
  rereadAfterMs: number;
  pollMinMs: number;
  pollMaxMs: number;
  backoffCapMs: number;
  /** Asked before each page; false makes ranges of that priority wait. What it throws ends the iteration. */
  mayRead(priority: Priority, signal: AbortSignal): Promise<boolean>;
  /** Told whenever the status differs from the one told before; its numbers change with every page. */
  observe(status: FeedStatus): void;
  now(): number;
  random(): number;
};

export type FeedPage = {
  priority: Priority;
  /** The page is of a range that an operator asked for at this time (ms since the epoch): its studies count as changed then. */
  askedMs?: number;
  /** Entries of studies to mark, in the order of the feed. Empty when only the checkpoint has changed, or nothing has (see `follow`). */
  entries: Entry[];
  rejected: RejectedEntry[];
  /** To be stored together with the marks of this page. */
  checkpoint: Checkpoint;
  /** Holes past the grace period: their sequences will be read once more after `rereadAfterMs`. */
  expired: Hole[];
  /** Holes given up for good: sequences never used, as far as anybody can tell. */
  missing: Hole[];
  /** So many entries were found by the late read: the grace period was too short for them. */
  late: number;
  /** Ids of ranges that have been read to their end. */
  rangesDone: string[];
};

export type FeedStatus =
  | {
      state: "following" | "catching-up";
      latest: number;
      scan: number;
      /** Open holes of all ranges. */
      holes: number;
      lowRanges: number;
      /** Sequences of low-priority ranges that have not been read yet. */
      lowBehind: number;
    }
  | { state: "degraded"; code: ErrorCode; retryInMs: number }
  | { state: "backpressure" }
  | { state: "stopped"; code: "FEED_RESET" };

const BACKOFF_BASE_MS = 250;
/** While the end of the feed can be read, a failing page is tried again sooner than a feed that does not answer. */
const PAGE_BACKOFF_CAP_MS = 2000;
const LOW_TURN_MS = 50;
const BACKPRESSURE_PAUSE_MS = 1000;
const SAMPLE_CHECK_EVERY_MS = 5 * 60_000;
/** Pages that change nothing but the scan position are stored this seldom: losing them costs reading them again. */
const EMPTY_PAGES_PER_WRITE = 50;

/**
 * Yields the pages of all ranges of `start`, until the signal aborts. The consumer stores each page's checkpoint with its marks before it asks for
 * the next page; if it cannot, it drops the iterator and starts another one from the checkpoint that is stored.
 *
 * An idle or stopped feed yields a page without entries every `pollMaxMs`, so that the consumer notices when somebody else has stored a checkpoint.
 * @throws only what `mayRead` throws, and unexpected errors
 */
export async function* follow(
  client: FeedClient,
  start: Checkpoint,
  options: FollowOptions,
  signal: AbortSignal,
): AsyncGenerator<FeedPage, void> {
  const ended = new AbortController();
  const end = () => ended.abort();
  if (signal.aborted) end();
  signal.addEventListener("abort", end, { once: true });
  try {
    yield* turns(client, start, options, ended.signal);
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  } finally {
    signal.removeEventListener("abort", end);
    ended.abort();
  }
}

async function* turns(
  client: FeedClient,
  start: Checkpoint,
  options: FollowOptions,
  signal: AbortSignal,
): AsyncGenerator<FeedPage, void> {
  const { pollMinMs, pollMaxMs, backoffCapMs, now } = options;
  const holePauseMs = Math.max(pollMinMs, 100);
  const readers = new Map<string, RangeReader>();
  /** Low-priority ranges in trouble, with the local time of their next try. */
  const retryAt = new Map<string, number>();
  const tell = createTeller(options.observe);
  let checkpoint = withinClock(start, options);
  let sampleCheckedMs = Number.NEGATIVE_INFINITY;
  let yieldedMs = now();
  let lastTurnMs = yieldedMs;
  let unsaved = 0;
  /** The last turn ended because nothing may be marked; told until a window is read again. */
  let waitsForRoom = false;
  let idleMs = pollMinMs;
  let troubles = 0;
  let lastLow = "";

  const readerOf = (id: string) => {
    const reader = readers.get(id) ?? createRangeReader(client, Math.min(100, options.pageSize));
    readers.set(id, reader);
    return reader;
  };
  /** A time that lies ahead is one before the clock was set back: it counts as long ago. */
  const hasPassed = (ms: number, sinceMs: number) => now() - sinceMs >= ms || now() < sinceMs;
  const rangeOf = (id: string) => checkpoint.ranges.find((range) => range.id === id);

  /** One window of the range: its page if it is worth storing; `nothing` when there is none to read, `failed` when it failed by itself. */
  async function step(id: string, latest: number): Promise<FeedPage | "nothing" | "more" | "failed" | "backpressure"> {
    const range = rangeOf(id);
    if (range === undefined) return "nothing";
    const reader = readerOf(id);
    const [first, ...rest] = nextWindows(range, {
      latest,
      width: reader.width(),
      count: options.readAhead,
      nowMs: now(),
    });
    if (first === undefined) return "nothing";
    if (!(await options.mayRead(range.priority, signal))) return "backpressure";
    const read = await reader.read([first, ...rest], signal);
    const track = { graceMs: options.graceMs, rereadAfterMs: options.rereadAfterMs, holePauseMs, nowMs: now() };
    if (read.kind === "failed") {
      const waitMs = backoffMs(
        read.failures,
        BACKOFF_BASE_MS,
        Math.min(PAGE_BACKOFF_CAP_MS, backoffCapMs),
        options.random,
      );
      retryAt.set(id, now() + waitMs);
      if (range.priority === "live") tell({ state: "degraded", code: read.error.code, retryInMs: waitMs });
      return "failed";
    }
    retryAt.delete(id);
    const absorbed =
      read.kind === "page"
        ? absorb(checkpoint, range, read.window, read.page, track)
        : absorbUnreadable(checkpoint, range, read.sequence, ticksToMs(read.serverNow), track);
    checkpoint = absorbed.checkpoint;
    if (absorbed.done) readers.delete(id);
    tell(statusOf(checkpoint, latest));
    return isWorthStoring(absorbed) || ++unsaved >= EMPTY_PAGES_PER_WRITE ? pageOf(absorbed, range) : "more";
  }

  /** The low-priority range whose turn it is: the one before (`stay`) or the one behind it, so that a short one does not wait for a long one. */
  function nextLow(latest: number, stay: boolean): string | undefined {
    const ready = checkpoint.ranges.filter(
      (range) =>
        range.priority === "low" &&
        (retryAt.get(range.id) ?? 0) <= now() &&
        nextWindows(range, { latest, width: 1, count: 1, nowMs: now() }).length > 0,
    );
    const at = ready.findIndex(({ id }) => id === lastLow);
    return (ready[stay && at >= 0 ? at : at + 1] ?? ready[0])?.id;
  }

  /** Reads what there is; returns how long to wait before the next turn. */
  async function* turn(latest: number): AsyncGenerator<FeedPage, number> {
    let found = false;
    const startedMs = now();
    waitsForRoom = false;
    for (;;) {
      const page = await step(LIVE_RANGE, latest);
      if (page === "nothing") break;
      if (page === "backpressure") {
        waitsForRoom = true;
        tell({ state: "backpressure" });
        return Math.max(pollMinMs, Math.min(pollMaxMs, BACKPRESSURE_PAUSE_MS));
      }
      if (page === "failed") await sleep(Math.min((retryAt.get(LIVE_RANGE) ?? 0) - now(), PAGE_BACKOFF_CAP_MS), signal);
      if (typeof page === "string") continue;
      found ||= page.entries.length > 0;
      yield page;
    }
    for (let pages = 0; ; pages++) {
      // At least one window per turn, or a busy feed would starve the low-priority ranges.
      if (pages > 0 && hasPassed(Math.max(pollMinMs, LOW_TURN_MS), startedMs)) return 0;
      const id = nextLow(latest, pages % options.readAhead !== 0);
      if (id === undefined) break;
      lastLow = id;
      const page = await step(id, latest);
      if (page === "backpressure") {
        // With room for live entries only the backfill waits, and new images do not: nothing to tell.
        waitsForRoom = !(await options.mayRead("live", signal));
        if (waitsForRoom) tell({ state: "backpressure" });
        break;
      }
      if (typeof page === "string") continue;
      yield page;
    }
    idleMs = found ? pollMinMs : Math.min(pollMaxMs, Math.max(idleMs, 1) * 1.5);
    return Math.max(1, pollMinMs, Math.min(idleMs, nextLookMs(checkpoint) - now()));
  }

  function stored(page: FeedPage): FeedPage {
    yieldedMs = now();
    unsaved = 0;
    return page;
  }

  while (!signal.aborted) {
    let waitMs: number;
    if (now() < lastTurnMs) {
      checkpoint = withinClock(checkpoint, options);
      retryAt.clear();
    }
    lastTurnMs = now();
    try {
      let latest = await readLatest(client, checkpoint, signal);
      if (latest !== "reset" && hasPassed(SAMPLE_CHECK_EVERY_MS, sampleCheckedMs)) {
        if (await sampleReadsBack(client, checkpoint, signal)) sampleCheckedMs = now();
        else latest = "reset";
      }
      if (latest === "reset") {
        tell({ state: "stopped", code: "FEED_RESET" });
        sampleCheckedMs = Number.NEGATIVE_INFINITY;
        waitMs = backoffCapMs;
      } else {
        if (!waitsForRoom) tell(statusOf(checkpoint, latest));
        const pages = turn(latest);
        for (;;) {
          const next = await pages.next();
          if (next.done) {
            waitMs = next.value;
            break;
          }
          yield stored(next.value);
        }
      }
      troubles = 0;
    } catch (thrown) {
      if (signal.aborted || !isFeedTrouble(thrown)) throw thrown;
      const pauseMs = backoffMs(troubles++, BACKOFF_BASE_MS, backoffCapMs, options.random);
      waitMs = Math.max(pauseMs, Math.min(thrown.retryAfterMs ?? 0, backoffCapMs));
      tell({ state: "degraded", code: thrown.code, retryInMs: waitMs });
    }
    // Counted down, not compared with the clock: one that is set back by an hour must not make an hour of this.
    for (let leftMs = waitMs; !signal.aborted && leftMs > 0; leftMs -= pollMaxMs) {
      await sleep(Math.min(leftMs, pollMaxMs), signal);
      if (!signal.aborted && hasPassed(pollMaxMs, yieldedMs)) yield stored(emptyPage(checkpoint));
    }
  }
}

function isFeedTrouble(thrown: unknown): thrown is StudycastError {
  return thrown instanceof StudycastError && (thrown.code.startsWith("FEED_") || thrown.code === "AUTH_FAILED");
}

function isWorthStoring({ entries, rejected, expired, missing, done }: Absorbed): boolean {
  return entries.length > 0 || rejected.length > 0 || expired.length > 0 || missing.length > 0 || done;
}

function pageOf({ checkpoint, entries, rejected, expired, missing, done }: Absorbed, range: Range): FeedPage {
  return {
    priority: range.priority,
    ...(range.askedMs === undefined ? {} : { askedMs: range.askedMs }),
    entries,
    rejected,
    checkpoint,
    expired,
    missing,
    late: range.notBefore === undefined ? 0 : entries.length,
    rangesDone: done ? [range.id] : [],
  };
}

function emptyPage(checkpoint: Checkpoint): FeedPage {
  return { priority: "live", entries: [], rejected: [], checkpoint, expired: [], missing: [], late: 0, rangesDone: [] };
}

/** Times of the next looks, stored under a clock that has been set back since, must not put them off for long. */
function withinClock(checkpoint: Checkpoint, { graceMs, rereadAfterMs, now }: FollowOptions): Checkpoint {
  const soon = now() + graceMs;
  const ranges = checkpoint.ranges.map((range) => ({
    ...range,
    holes: range.holes.map((hole) => ({ ...hole, nextMs: Math.min(hole.nextMs, soon) })),
    ...(range.notBefore === undefined ? {} : { notBefore: Math.min(range.notBefore, now() + rereadAfterMs) }),
  }));
  return { ...checkpoint, ranges };
}

/** Local time of the next look at a hole. */
function nextLookMs({ ranges }: Checkpoint): number {
  let next = Number.POSITIVE_INFINITY;
  for (const { holes, notBefore } of ranges)
    for (const { nextMs } of holes) next = Math.min(next, Math.max(nextMs, notBefore ?? 0));
  return next;
}

function statusOf({ ranges }: Checkpoint, latest: number): FeedStatus {
  const scan = ranges.find(({ id }) => id === LIVE_RANGE)?.scan ?? 0;
  const low = ranges.filter(({ priority }) => priority === "low");
  const lowBehind = low.reduce((sum, range) => sum + Math.max(0, Math.min(range.to ?? latest, latest) - range.scan), 0);
  const holes = ranges.reduce((sum, range) => sum + range.holes.length, 0);
  const state = scan < latest || lowBehind > 0 ? "catching-up" : "following";
  return { state, latest, scan, holes, lowRanges: low.length, lowBehind };
}

function createTeller(observe: (status: FeedStatus) => void): (status: FeedStatus) => void {
  let last = "";
  return (status) => {
    const text = JSON.stringify(status);
    if (text !== last) observe(status);
    last = text;
  };
}
