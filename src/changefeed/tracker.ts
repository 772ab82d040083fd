/**
 * The range tracker: which window of the feed to read next, and what a window that was read says. Pure: no clock, no I/O.
 *
 * Sequences are given out before they are committed, so a lower one can appear after a higher one, and some never appear. What is above a hole is
 * reported at once; the hole is looked at again until it is filled or older than the grace period. Its age counts from its neighbours' timestamps in
 * the server's own time, so a hole in old data is old when it is first seen and catching up never waits. An expired hole is read once more, much
 * later, as part of a low-priority range; one whose neighbours are older than even that is given up at once, because this look was the late one.
 *
 * Invariants: a sequence at or below `scan` that is in no hole has been reported, or lies in a range of expired holes, or was given up; a range never
 * reports a sequence twice (except after its holes had to be merged, see `boundHoles`); a window never reaches beyond `latest`.
 */
import { type Checkpoint, type Hole, type Range, sampleOf } from "./checkpoint.ts";
import type { PageRead } from "./client.ts";
import type { Entry, RejectedEntry } from "./entry.ts";
import { afterLook, boundHoles, joinHoles, planReread } from "./holes.ts";
import { ticksToMs } from "./ticks.ts";

export type TrackOptions = {
  graceMs: number;
  rereadAfterMs: number;
  /** Shortest pause between two looks at the same hole. */
  holePauseMs: number;
};

/** The sequences `after < sequence <= to`. */
export type Window = { after: number; to: number };

/** What a window that was read changes. */
export type Absorbed = {
  checkpoint: Checkpoint;
  /** Not reported before by this range, in the order of the feed. */
  entries: Entry[];
  rejected: RejectedEntry[];
  /** Holes older than the grace period; they will be read once more. */
  expired: Hole[];
  /** Holes given up for good. */
  missing: Hole[];
  done: boolean;
};

/** Up to `count` windows a range wants next, at most `width` wide: due holes first, then what is not scanned yet, never beyond `latest`. */
export function nextWindows(
  range: Range,
  { latest, width, count, nowMs }: { latest: number; width: number; count: number; nowMs: number },
): Window[] {
  const windows: Window[] = [];
  if (range.notBefore !== undefined && range.notBefore > nowMs) return windows;
  let after = -1;
  let to = -1;
  for (const hole of range.holes) {
    if (hole.nextMs > nowMs) continue;
    let from = Math.max(hole.from, to + 1);
    // Holes near each other share a window: what lies between them is known and costs less than another request.
    if (to >= 0 && from <= hole.to && from - 1 - after < width) {
      to = Math.min(hole.to, after + width);
      from = to + 1;
      windows[windows.length - 1] = { after, to };
    }
    for (; from <= hole.to; from = to + 1) {
      if (windows.length === count) return windows;
      after = from - 1;
      to = Math.min(hole.to, after + width);
      windows.push({ after, to });
    }
  }
  const end = Math.min(range.to ?? latest, latest);
  for (let scan = range.scan; scan < end && windows.length < count; scan = Math.min(end, scan + width)) {
    windows.push({ after: scan, to: Math.min(end, scan + width) });
  }
  return windows;
}

/** Takes in what was read of a window of the range. `nowMs` is the local clock, used for the times of the next looks only. */
export function absorb(
  checkpoint: Checkpoint,
  range: Range,
  window: Window,
  page: PageRead,
  options: TrackOptions & { nowMs: number },
): Absorbed {
  const serverMs = ticksToMs(page.serverNow);
  const inWindow = (sequence: number) => sequence > window.after && sequence <= window.to;
  const present = sortedPresent(page, window, serverMs);
  const scans = window.after <= range.scan && window.to > range.scan;
  const isNew = (sequence: number) =>
    inWindow(sequence) && ((scans && sequence > range.scan) || holeOf(range.holes, sequence) !== undefined);
  const isQuiet = (sequence: number) => sequence > range.scan && sequence <= (range.quietTo ?? -1);

  const looked: Hole[] = [];
  const kept: Hole[] = [];
  const tail = scans ? agedTail(range, present, serverMs) : undefined;
  if (tail !== undefined) looked.push(tail);
  for (const hole of tail === undefined ? range.holes : range.holes.slice(0, -1)) {
    if (hole.to <= window.after || hole.from > window.to) {
      kept.push(hole);
      continue;
    }
    if (hole.from <= window.after) kept.push({ ...hole, to: window.after });
    if (hole.to > window.to) kept.push({ ...hole, from: window.to + 1 });
    const inside = { ...hole, from: Math.max(hole.from, window.after + 1), to: Math.min(hole.to, window.to) };
    looked.push(...cut(inside, present).map(({ unread: _, ...rest }) => ({ ...rest, readMs: serverMs })));
  }
  if (scans) looked.push(...newHoles(range, window, present, serverMs));

  const judged = afterLook(looked, range, options);
  const scan = scans ? window.to : range.scan;
  const next: Range = { ...range, scan, holes: boundHoles(joinHoles([...kept, ...judged.open], options.nowMs)) };
  const done = next.to !== null && scan >= next.to && next.holes.length === 0;
  const ranges = checkpoint.ranges.flatMap((other) => (other.id !== range.id ? [other] : done ? [] : [next]));
  const entries = page.entries.filter(({ sequence }) => isNew(sequence) && !isQuiet(sequence)).sort(bySequence);
  const rejected = page.rejected.filter(({ sequence }) =>
    sequence === undefined ? scans : isNew(sequence) && !isQuiet(sequence),
  );
  return {
    checkpoint: {
      ...checkpoint,
      ranges: planReread(ranges, judged.expired, options),
      ...newSample(checkpoint, entries),
    },
    entries,
    rejected,
    expired: judged.expired,
    missing: judged.missing,
    done,
  };
}

/**
 * Takes in that one sequence cannot be read although the feed answers otherwise: it becomes a hole of the present age, and so does not hold up what
 * lies behind it. Where it lies in a hole older than the grace period already, it is put off to the late read, again and again: never given up unread.
 */
export function absorbUnreadable(
  checkpoint: Checkpoint,
  range: Range,
  sequence: number,
  serverMs: number,
  options: TrackOptions & { nowMs: number },
): Absorbed {
  const known = holeOf(range.holes, sequence);
  const window = { after: sequence - 1, to: sequence };
  const nothing: Absorbed = { checkpoint, entries: [], rejected: [], expired: [], missing: [], done: false };
  const replace = (next: Range, expired: Hole[]): Absorbed => {
    const done = next.to !== null && next.scan >= next.to && next.holes.length === 0;
    const ranges = checkpoint.ranges.flatMap((other) => (other.id !== range.id ? [other] : done ? [] : [next]));
    return { ...nothing, checkpoint: { ...checkpoint, ranges: planReread(ranges, expired, options) }, expired, done };
  };
  const fresh = { from: sequence, to: sequence, sinceMs: serverMs, readMs: serverMs, unread: true } as const;
  if (known === undefined) {
    if (sequence !== range.scan + 1) return nothing;
    const hole = { ...fresh, nextMs: options.nowMs + options.holePauseMs };
    return replace({ ...range, scan: window.to, holes: [...range.holes, hole] }, []);
  }
  const expired = range.notBefore !== undefined || serverMs - known.sinceMs > options.graceMs;
  const nextMs = options.nowMs + Math.max(options.holePauseMs, (serverMs - known.sinceMs) / 2);
  const around = range.holes.flatMap((hole) => (hole === known ? split(hole, window) : [hole]));
  const holes = expired ? around : [...around, { ...fresh, sinceMs: known.sinceMs, nextMs }];
  return replace({ ...range, holes: joinHoles(holes, options.nowMs) }, expired ? [{ ...fresh, nextMs: 0 }] : []);
}

const bySequence = (a: { sequence: number }, b: { sequence: number }) => a.sequence - b.sequence;

type Present = { sequence: number; ms: number };

/** The sequences of the window that are there, in order; those of unusable elements count, for there is nothing more to wait for. */
function sortedPresent(page: PageRead, window: Window, serverMs: number): Present[] {
  const present: Present[] = page.entries.map(({ sequence, ticks }) => ({ sequence, ms: ticksToMs(ticks) }));
  for (const { sequence } of page.rejected) if (sequence !== undefined) present.push({ sequence, ms: serverMs });
  return present.filter(({ sequence }) => sequence > window.after && sequence <= window.to).sort(bySequence);
}

function holeOf(holes: readonly Hole[], sequence: number): Hole | undefined {
  return holes.find((hole) => hole.from <= sequence && sequence <= hole.to);
}

/** What is left of a hole without the sequences that are there. */
function cut(hole: Hole, present: readonly Present[]): Hole[] {
  const rest: Hole[] = [];
  let from = hole.from;
  for (const { sequence } of present) {
    if (sequence < from) continue;
    if (sequence > hole.to) break;
    if (sequence > from) rest.push({ ...hole, from, to: sequence - 1 });
    from = sequence + 1;
  }
  if (from <= hole.to) rest.push({ ...hole, from });
  return rest;
}

function split(hole: Hole, { after, to }: Window): Hole[] {
  const below = hole.from <= after ? [{ ...hole, to: after }] : [];
  return hole.to > to ? [...below, { ...hole, from: to + 1 }] : below;
}

/**
 * The hole that ended what was scanned before had no neighbour above it and so the age of its reading. The first entry above gives it its age; it is
 * judged by that and by the time it was looked at.
 */
function agedTail(range: Range, present: readonly Present[], serverMs: number): Hole | undefined {
  const tail = range.holes.at(-1);
  const above = present.find(({ sequence }) => sequence > range.scan);
  if (tail === undefined || tail.to !== range.scan || tail.unread || above === undefined) return undefined;
  return { ...tail, sinceMs: Math.min(tail.sinceMs, above.ms), readMs: Math.min(tail.readMs, serverMs) };
}

/** The holes of the part that is scanned for the first time. A hole that ends the window is as old as this reading until more is known. */
function newHoles(range: Range, window: Window, present: readonly Present[], serverMs: number): Hole[] {
  const holes: Hole[] = [];
  let from = range.scan + 1;
  let below = Number.NEGATIVE_INFINITY;
  for (const { sequence, ms } of present) {
    if (sequence < from) continue;
    if (sequence > from)
      holes.push({ from, to: sequence - 1, sinceMs: Math.max(below, ms), readMs: serverMs, nextMs: 0 });
    from = sequence + 1;
    below = ms;
  }
  if (from <= window.to) holes.push({ from, to: window.to, sinceMs: serverMs, readMs: serverMs, nextMs: 0 });
  return holes;
}

/** The newest entry read with all its UIDs. */
function newSample(checkpoint: Checkpoint, entries: readonly Entry[]): Pick<Checkpoint, "sample"> | undefined {
  const newest = entries.at(-1);
  if (newest === undefined || newest.sequence < (checkpoint.sample?.sequence ?? 0)) return undefined;
  const sample = sampleOf(newest);
  return sample === undefined ? undefined : { sample };
}
