/**
 * Back-pressure: whether more may be marked. The feed is the buffer; Redis must neither fill up (a full one starts no job at all) nor hold so many studies
 * of low priority that new images wait behind them.
 */
import type { State } from "./state/index.ts";
import type { Priority } from "./study.ts";
import { sleep } from "./time.ts";

export type RoomLimits = { pendingMax: number; lowPendingMax: number; memoryMaxPercent: number };
export type RoomDeps = {
  counts(): Promise<Pick<Awaited<ReturnType<State["counts"]>>, "pending" | "pendingLow">>;
  /** Bytes Redis uses, and its limit where it has one. */
  memory(): Promise<{ used: number; max: number | undefined }>;
  now(): number;
};

export type Room = {
  /** Whether ranges of this priority may be read now. @throws StudycastError of service redis */
  mayMark(priority: Priority): Promise<boolean>;
  /** Notes what was marked since the counts were read. */
  marked(studies: number): void;
  /** Waits until studies of low priority may be marked, or the signal aborts. */
  untilLow(signal: AbortSignal): Promise<void>;
};

/** Counts are read again when they are this old, when this many studies were marked since, or when what was marked since may have filled the room. */
const FRESH_MS = 200;
const FRESH_STUDIES = 200;
const LOOK_MS = 100;

export function createRoom(limits: RoomLimits, deps: RoomDeps): Room {
  let readMs = Number.NEGATIVE_INFINITY;
  let markedSince = 0;
  /** How many more studies of each priority may be marked, as the counts last read said. */
  let left: Record<Priority, number> = { live: 0, low: 0 };

  async function mayMark(priority: Priority): Promise<boolean> {
    const ageMs = deps.now() - readMs;
    const mayBeFull = left[priority] > 0 && markedSince >= left[priority];
    // Below zero: the clock was set back.
    if (ageMs > FRESH_MS || ageMs < 0 || markedSince > FRESH_STUDIES || mayBeFull) {
      markedSince = 0; // before the answer: what is marked meanwhile may not be in it
      const [counts, memory] = await Promise.all([deps.counts(), deps.memory()]);
      const full = memory.max !== undefined && memory.used > (memory.max * limits.memoryMaxPercent) / 100;
      const live = full ? 0 : limits.pendingMax - counts.pending;
      left = { live, low: Math.min(live, limits.lowPendingMax - counts.pendingLow) };
      readMs = deps.now();
    }
    return left[priority] > 0;
  }

  return {
    mayMark,
    marked(studies) {
      markedSince += studies;
    },
    async untilLow(signal) {
      while (!signal.aborted && !(await mayMark("low"))) await sleep(LOOK_MS, signal);
    },
  };
}
