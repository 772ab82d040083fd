/**
 * The checkpoint: which parts of the feed have been read. Plain JSON, stored by the consumer together with each page.
 *
 * A range covers the sequences `from … to` (`to: null`: open, it follows the feed). All of them up to `scan` have been looked at; those among them
 * that were not there lie in `holes`: not yet committed, or never used. Holes are sorted, disjoint, and end at or below `scan`.
 */
import { StudycastError } from "../errors.ts";
import type { Priority } from "../study.ts";
import type { Entry } from "./entry.ts";

export type Hole = {
  from: number;
  to: number;
  /** Server time from which the age of the hole counts: the timestamp of its youngest neighbour; ms since the epoch. */
  sinceMs: number;
  /** Server time of the last look at it; ms since the epoch. */
  readMs: number;
  /** Local time from which it is to be looked at again; ms since the epoch. */
  nextMs: number;
  /** Not seen to be empty: reading it failed. It is never given up by its age alone. */
  unread?: true;
};

export type Range = {
  id: string;
  from: number;
  to: number | null;
  scan: number;
  holes: Hole[];
  priority: Priority;
  /** Set on ranges of expired holes: not before this local time (ms since the epoch) they are read once more, and then given up. */
  notBefore?: number;
  /** Set on ranges that an operator has asked for: when (ms since the epoch). Studies read before are to be read again. */
  askedMs?: number;
  /** What the first scan finds up to here is taken note of, but not reported: it lies before the point that following starts at. */
  quietTo?: number;
};

/** An entry that was read: if it no longer reads back, this is another feed. */
export type Sample = { sequence: number; study: string; series: string; sop: string };

export type Checkpoint = { version: 1; ranges: Range[]; sample?: Sample };

/** Where to start on an empty state. `sequence`: the first one after it; `atSequence`: that one (what `sequenceAt` found). */
export type FeedStart = "beginning" | "now" | { sequence: number } | { atSequence: number };

/** "now" looks back this far for sequences that were given out before, but are committed after the start. */
const NOW_MARGIN = 100;

/** The range that follows the feed. */
export const LIVE_RANGE = "live";

/**
 * The first checkpoint: following starts at `latest`, what lies between the start and it becomes a low-priority range.
 * A start beyond the feed's end is kept as it is; following then reports FEED_RESET. `askedMs`: when an operator asked for it (ms since the epoch).
 */
export function initialCheckpoint(start: FeedStart, latest: Entry | undefined, askedMs?: number): Checkpoint {
  const end = latest?.sequence ?? 0;
  const sample = latest === undefined ? undefined : sampleOf(latest);
  const seed: Checkpoint = { version: 1, ranges: [], ...(sample === undefined ? {} : { sample }) };
  if (start === "now") {
    const scan = Math.max(0, end - NOW_MARGIN);
    return { ...seed, ranges: [{ ...openRange(scan), quietTo: end }] };
  }
  const after = start === "beginning" ? 0 : "sequence" in start ? start.sequence : Math.max(0, start.atSequence - 1);
  if (after >= end) return { ...seed, ranges: [openRange(after)] };
  const past = { from: after + 1, to: end, ...(askedMs === undefined ? {} : { askedMs }) };
  return addRange({ ...seed, ranges: [openRange(end)] }, past, "backfill");
}

function openRange(scan: number): Range {
  return { id: LIVE_RANGE, from: scan + 1, to: null, scan, holes: [], priority: "live" };
}

/** The checkpoint with one more low-priority range to read; one with the same id starts again. */
export function addRange(
  checkpoint: Checkpoint,
  { from, to, askedMs }: { from: number; to: number; askedMs?: number },
  id: string,
): Checkpoint {
  const first = Math.max(1, from);
  const others = checkpoint.ranges.filter((range) => range.id !== id);
  if (to < first) return { ...checkpoint, ranges: others };
  const added: Range = { id, from: first, to, scan: first - 1, holes: [], priority: "low" };
  if (askedMs !== undefined) added.askedMs = askedMs;
  return { ...checkpoint, ranges: [...others, added] };
}

/** What is kept of an entry to know the feed again; undefined when it has no full set of UIDs. */
export function sampleOf({ sequence, partition, study, series, sop }: Entry): Sample | undefined {
  return [partition, study, series, sop].includes("") ? undefined : { sequence, study, series, sop };
}

/** @throws StudycastError STATE_UNREADABLE when the text is not a checkpoint of this version: never to be taken for "none yet". */
export function parseCheckpoint(text: string): Checkpoint {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new StudycastError("STATE_UNREADABLE", { what: "no JSON" }, { cause });
  }
  if (!isRecord(json) || json["version"] !== 1) throw new StudycastError("STATE_UNREADABLE", { what: "version" });
  const { ranges, sample } = json;
  if (!Array.isArray(ranges) || !ranges.every(isRange))
    throw new StudycastError("STATE_UNREADABLE", { what: "ranges" });
  if (ranges.filter((range) => range.to === null).length !== 1)
    throw new StudycastError("STATE_UNREADABLE", { what: "open range" });
  if (sample !== undefined && !isSample(sample)) throw new StudycastError("STATE_UNREADABLE", { what: "sample" });
  return { version: 1, ranges, ...(sample === undefined ? {} : { sample }) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isSequence = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function isRange(value: unknown): value is Range {
  return (
    isRecord(value) &&
    typeof value["id"] === "string" &&
    isSequence(value["from"]) &&
    (value["to"] === null || isSequence(value["to"])) &&
    isSequence(value["scan"]) &&
    (value["priority"] === "live" || value["priority"] === "low") &&
    (value["notBefore"] === undefined || Number.isFinite(value["notBefore"])) &&
    (value["askedMs"] === undefined || Number.isFinite(value["askedMs"])) &&
    (value["quietTo"] === undefined || isSequence(value["quietTo"])) &&
    Array.isArray(value["holes"]) &&
    value["holes"].every(isHole)
  );
}

function isHole(value: unknown): value is Hole {
  if (!isRecord(value)) return false;
  const times = [value["sinceMs"], value["readMs"], value["nextMs"]];
  return isSequence(value["from"]) && isSequence(value["to"]) && times.every((time) => Number.isFinite(time));
}

function isSample(value: unknown): value is Sample {
  const texts = isRecord(value) ? [value["study"], value["series"], value["sop"]] : [];
  return isRecord(value) && isSequence(value["sequence"]) && texts.every((text) => typeof text === "string");
}
