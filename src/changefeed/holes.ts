/** Holes of a range: when they are looked at again, when they expire, and how their number stays bounded. Pure. */
import type { Hole, Range } from "./checkpoint.ts";
import type { TrackOptions } from "./tracker.ts";

/** More open holes than this in one range are merged: the checkpoint stays small, at the price of reading (and reporting) what lies between again. */
const MAX_HOLES = 1000;
/** One request covers 100 sequences; a wide hole is looked at so seldom that it costs at most ten requests a second. */
const PAUSE_PER_WINDOW_MS = 100;
const WINDOW = 100;
/** Ranges of expired holes are made at most this many per re-read period; what expires in between joins the last one. */
const REREAD_RANGES = 8;
const REREAD_RANGE = "reread-";

/**
 * Judges holes that have just been looked at and are still there. Young ones stay open, with growing pauses between the looks and one look as soon as
 * they are past the grace period; older ones have expired; those in a range of expired holes, or older than the late read would be, are given up.
 */
export function afterLook(
  looked: readonly Hole[],
  range: Range,
  options: TrackOptions & { nowMs: number },
): { open: Hole[]; expired: Hole[]; missing: Hole[] } {
  const open: Hole[] = [];
  const expired: Hole[] = [];
  const missing: Hole[] = [];
  for (const hole of looked) {
    const ageMs = hole.readMs - hole.sinceMs;
    if (range.notBefore !== undefined || ageMs > Math.max(options.graceMs, options.rereadAfterMs)) missing.push(hole);
    else if (ageMs > options.graceMs) expired.push(hole);
    else open.push({ ...hole, nextMs: options.nowMs + pauseMs(hole, ageMs, options) });
  }
  return { open, expired: joinHoles(expired), missing: joinHoles(missing) };
}

function pauseMs(hole: Hole, ageMs: number, { graceMs, holePauseMs }: TrackOptions): number {
  const width = Math.ceil((hole.to - hole.from + 1) / WINDOW);
  const pause = Math.max(holePauseMs, width * PAUSE_PER_WINDOW_MS, ageMs / 2);
  // The server's clock has full seconds only: one more, to be past the grace period at that look.
  return Math.min(pause, Math.max(graceMs - ageMs, 0) + 1000 + holePauseMs);
}

/**
 * Sorts the holes and joins those that touch. A hole due at `nowMs` is not joined: while a wide hole is looked at piece by piece, the pieces that have
 * had their turn must not make the others wait.
 */
export function joinHoles(holes: readonly Hole[], nowMs = Number.NEGATIVE_INFINITY): Hole[] {
  if (holes.length < 2) return [...holes];
  const joined: Hole[] = [];
  for (const hole of [...holes].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    const touches = last !== undefined && last.to + 1 >= hole.from && last.nextMs > nowMs && hole.nextMs > nowMs;
    if (touches && last.unread === hole.unread) joined[joined.length - 1] = merge(last, hole);
    else joined.push(hole);
  }
  return joined;
}

/** Ages by the younger of the two, so that nothing expires early. */
function merge(a: Hole, b: Hole): Hole {
  return {
    from: a.from,
    to: Math.max(a.to, b.to),
    sinceMs: Math.max(a.sinceMs, b.sinceMs),
    readMs: Math.min(a.readMs, b.readMs),
    nextMs: Math.max(a.nextMs, b.nextMs),
    ...(a.unread || b.unread ? { unread: true } : {}),
  };
}

/** At most `MAX_HOLES`: beyond that the nearest neighbours are merged. */
export function boundHoles(holes: Hole[]): Hole[] {
  const tooMany = holes.length - MAX_HOLES;
  if (tooMany <= 0) return holes;
  const distances = holes.slice(1).map((hole, at) => hole.from - (holes[at]?.to ?? 0));
  const limit = distances.toSorted((a, b) => a - b)[tooMany - 1] ?? 0;
  const bounded: Hole[] = [];
  let left = tooMany;
  for (const hole of holes) {
    const last = bounded.at(-1);
    if (last !== undefined && left > 0 && hole.from - last.to <= limit) {
      bounded[bounded.length - 1] = merge(last, hole);
      left--;
    } else bounded.push(hole);
  }
  return bounded;
}

/** The ranges with the expired holes added to the range of expired holes that is read last, or to a new one. */
export function planReread(
  ranges: readonly Range[],
  expired: readonly Hole[],
  { nowMs, rereadAfterMs }: TrackOptions & { nowMs: number },
): Range[] {
  if (expired.length === 0) return [...ranges];
  const notBefore = nowMs + rereadAfterMs;
  const added = expired.map((hole) => ({ ...hole, nextMs: 0 }));
  const isOpen = (range: Range) => (range.notBefore ?? 0) > notBefore - rereadAfterMs / REREAD_RANGES;
  const target = ranges.findLast((range) => range.id.startsWith(REREAD_RANGE) && isOpen(range));
  const holes = boundHoles(joinHoles([...(target?.holes ?? []), ...added]));
  const [first, last] = [holes[0], holes.at(-1)];
  if (first === undefined || last === undefined) return [...ranges];
  const id = target?.id ?? freeId(ranges, nowMs);
  const range: Range = {
    id,
    from: first.from,
    to: last.to,
    scan: last.to,
    holes,
    priority: "low",
    // Kept when holes join, or the first of them would be put off for ever.
    notBefore: target?.notBefore ?? notBefore,
  };
  return target === undefined ? [...ranges, range] : ranges.map((other) => (other === target ? range : other));
}

function freeId(ranges: readonly Range[], nowMs: number): string {
  const taken = new Set(ranges.map(({ id }) => id));
  let id = `${REREAD_RANGE}${nowMs}`;
  for (let n = 1; taken.has(id); n++) id = `${REREAD_RANGE}${nowMs}-${n}`;
  return id;
}
