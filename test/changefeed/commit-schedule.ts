/**
 * A model of a feed whose sequences are given out before they are committed, and of a reader that drives the tracker over it: random draws, commit
 * times, rollbacks, jumps, equal timestamps, reading times, read-ahead and crashes. Everything follows from the seed.
 */
import { type Checkpoint, initialCheckpoint, parseCheckpoint } from "../../src/changefeed/checkpoint.ts";
import type { PageRead } from "../../src/changefeed/client.ts";
import type { Entry } from "../../src/changefeed/entry.ts";
import { msToTicks } from "../../src/changefeed/ticks.ts";
import { absorb, nextWindows, type Window } from "../../src/changefeed/tracker.ts";

const GRACE_MS = 10_000;
const REREAD_MS = 60_000;
/** A commit may come this long after its sequence was drawn; its timestamp may lie that much before the draw. Together they fit into the grace. */
const COMMIT_BOUND_MS = 6_000;
const TIMESTAMP_LAG_MS = 4_000;
const EPOCH_MS = 1_700_000_000_000;

type Row = { sequence: number; commitMs: number; timestampMs: number };

/** `in-time`: within the grace period. `late`: some after it, before the late read. `beyond`: some after that as well. */
export type Commits = "in-time" | "late" | "beyond";

export type Outcome = {
  seed: number;
  committed: number;
  /** Not reported once all ranges but those of expired holes were read. */
  lost: number[];
  /** Not reported even after the late read. */
  lostForGood: number[];
  /** Reported twice although nothing crashed. */
  twice: number[];
  pages: number;
  expired: number;
  /** So many were found by the late read, which is what shows as degraded. */
  late: number;
  /** The reader crashed now and then: it reads again from an older checkpoint, where a hole may still be open. */
  crashes: boolean;
  /** Lost for good without having been told of as given up. */
  silent: number[];
};

export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function drawRows(random: () => number, commits: Commits): Row[] {
  const rows: Row[] = [];
  const below = (limit: number) => Math.floor(random() * limit);
  const count = 1 + below(16);
  let sequence = random() < 0.3 ? below(40) : 0;
  let drawMs = EPOCH_MS;
  let bulkMs = 0;
  for (let n = 0; n < count; n++) {
    sequence += random() < 0.85 ? 1 : random() < 0.8 ? 1 + below(4) : 20 + below(20);
    drawMs += random() < 0.5 ? 0 : random() < 0.9 ? below(800) : below(30_000);
    if (random() < 0.1) continue;
    let waitMs = random() < 0.5 ? 0 : below(COMMIT_BOUND_MS);
    if (commits === "late" && random() < 0.3) waitMs = COMMIT_BOUND_MS + below(REREAD_MS - COMMIT_BOUND_MS - 10_000);
    if (commits === "beyond" && random() < 0.3) waitMs = COMMIT_BOUND_MS + below(REREAD_MS * 3);
    if (bulkMs === 0 || random() < 0.7) bulkMs = drawMs - (random() < 0.5 ? 0 : below(TIMESTAMP_LAG_MS));
    const isBulk = bulkMs <= drawMs && drawMs - bulkMs < TIMESTAMP_LAG_MS;
    rows.push({ sequence, commitMs: drawMs + waitMs, timestampMs: isBulk ? bulkMs : drawMs });
  }
  return rows;
}

function entryOf({ sequence, timestampMs }: Row): Entry {
  const uids = { partition: "Microsoft.Default", study: "1.2", series: "1.2.3", sop: `1.2.3.${sequence}` };
  return { sequence, ticks: msToTicks(timestampMs), action: "create", state: "current", ...uids };
}

export function runSchedule(seed: number, commits: Commits = "in-time"): Outcome {
  const random = seededRandom(seed);
  const rows = drawRows(random, commits);
  const entries = new Map(rows.map((row) => [row.sequence, entryOf(row)]));
  const endMs = Math.max(EPOCH_MS, ...rows.map(({ commitMs }) => commitMs));
  const clockSkewMs = Math.floor((random() - 0.5) * 600_000);
  const width = 1 + Math.floor(random() * 8);
  const count = 1 + Math.floor(random() * 3);
  const crashes = random() < 0.2;
  const outcome: Outcome = {
    seed,
    committed: rows.length,
    lost: [],
    lostForGood: [],
    twice: [],
    pages: 0,
    expired: 0,
    late: 0,
    crashes,
    silent: [],
  };
  const givenUp: { from: number; to: number }[] = [];
  const seen = new Set<number>();

  const latestAt = (ms: number) =>
    rows.reduce((top, row) => (row.commitMs <= ms && row.sequence > top ? row.sequence : top), 0);
  function pageAt({ after, to }: Window, ms: number): PageRead {
    const page: PageRead = { entries: [], rejected: [], serverNow: msToTicks(Math.floor(ms / 1000) * 1000) };
    for (const { sequence, commitMs } of rows) {
      const entry = entries.get(sequence);
      if (sequence > after && sequence <= to && commitMs <= ms && entry !== undefined) page.entries.push(entry);
    }
    return page;
  }

  let nowMs = random() < 0.3 ? endMs + Math.floor(random() * 200_000) : EPOCH_MS + Math.floor(random() * 3_000);
  const first = entries.get(latestAt(nowMs));
  let checkpoint: Checkpoint = initialCheckpoint("beginning", first);
  let stored = JSON.stringify(checkpoint);
  const options = { graceMs: GRACE_MS, rereadAfterMs: REREAD_MS, holePauseMs: 200 };

  function turn(): void {
    const latest = latestAt(nowMs);
    for (const { id } of checkpoint.ranges) {
      const ahead = new Map<number, { to: number; page: PageRead }>();
      for (;;) {
        const range = checkpoint.ranges.find((other) => other.id === id);
        if (range === undefined) break;
        const localMs = nowMs + clockSkewMs;
        const plan = nextWindows(range, { latest, width, count, nowMs: localMs });
        const [window] = plan;
        if (window === undefined) break;
        // Read-ahead: the windows of a plan are read in any order, some time after the end of the feed was asked for.
        for (const next of random() < 0.5 ? plan : plan.toReversed()) {
          if (ahead.get(next.after)?.to === next.to) continue;
          if (random() < 0.3) nowMs += Math.floor(random() * (random() < 0.9 ? 700 : 9_000));
          ahead.set(next.after, { to: next.to, page: pageAt(next, nowMs) });
        }
        const read = ahead.get(window.after);
        if (read === undefined) throw new Error("the model lost a page");
        ahead.delete(window.after);
        const absorbed = absorb(checkpoint, range, window, read.page, { ...options, nowMs: nowMs + clockSkewMs });
        checkpoint = absorbed.checkpoint;
        outcome.pages++;
        outcome.expired += absorbed.expired.length;
        if (range.notBefore !== undefined) outcome.late += absorbed.entries.length;
        givenUp.push(...absorbed.missing);
        if (crashes && random() < 0.05) {
          checkpoint = parseCheckpoint(stored);
          return;
        }
        for (const { sequence } of absorbed.entries) {
          if (seen.has(sequence) && !crashes) outcome.twice.push(sequence);
          seen.add(sequence);
        }
        // As the follower does: a page with entries is stored, one without may be left out.
        if (crashes && (absorbed.entries.length > 0 || random() < 0.7)) stored = JSON.stringify(checkpoint);
      }
    }
  }
  const isOpen = () =>
    checkpoint.ranges.some(({ notBefore, to, scan, holes }) =>
      to === null ? holes.length > 0 || scan < latestAt(nowMs) : notBefore === undefined,
    );
  const missing = () => rows.map(({ sequence }) => sequence).filter((sequence) => !seen.has(sequence));

  while (nowMs < endMs) {
    turn();
    nowMs += 1 + Math.floor(random() * (random() < 0.8 ? 1_500 : 20_000));
  }
  turn();
  for (let turns = 0; isOpen() && turns < 200; turns++) {
    nowMs += 1_000 + Math.floor(random() * 1_000);
    turn();
  }
  outcome.lost = missing();
  for (let turns = 0; (isOpen() || checkpoint.ranges.length > 1) && turns < 50; turns++) {
    nowMs += REREAD_MS / 4;
    turn();
  }
  outcome.lostForGood = missing();
  outcome.silent = outcome.lostForGood.filter((one) => !givenUp.some(({ from, to }) => from <= one && one <= to));
  return outcome;
}
