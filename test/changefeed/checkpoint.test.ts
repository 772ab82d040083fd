import { describe, expect, test } from "@jest/globals";
import { boundHoles } from "../../src/changefeed/holes.ts";
import { type Checkpoint, initialCheckpoint, parseCheckpoint, type Range } from "../../src/changefeed/index.ts";
import { msToTicks } from "../../src/changefeed/ticks.ts";
import { absorb, nextWindows } from "../../src/changefeed/tracker.ts";

const NOW_MS = 1_700_000_000_000;
const OPTIONS = { graceMs: 300_000, rereadAfterMs: 7_200_000, holePauseMs: 1_000, nowMs: NOW_MS };
const empty = { entries: [], rejected: [], serverNow: msToTicks(NOW_MS) };
const live = (checkpoint: Checkpoint): Range => {
  const range = checkpoint.ranges.find(({ id }) => id === "live");
  if (range === undefined) throw new Error("no open range");
  return range;
};

describe("checkpoint", () => {
  test("what is stored reads back as it was", () => {
    const checkpoint = initialCheckpoint("beginning", {
      sequence: 9,
      ticks: 1n,
      action: "create",
      state: "current",
      partition: "p",
      study: "1",
      series: "2",
      sop: "3",
    });
    expect(parseCheckpoint(JSON.stringify(checkpoint))).toEqual(checkpoint);
    expect(checkpoint.ranges.map(({ id, from, to }) => [id, from, to])).toEqual([
      ["live", 10, null],
      ["backfill", 1, 9],
    ]);
  });

  test.each([
    "",
    "null",
    "[]",
    "{}",
    '{"version":2,"ranges":[]}',
    '{"version":1,"ranges":[]}',
    '{"version":1,"ranges":[{"id":"live"}]}',
    '{"version":1,"ranges":[{"id":"live","from":1,"to":null,"scan":-1,"holes":[],"priority":"live"}]}',
  ])("%p is unreadable, which is not the same as none", (text) => {
    expect(() => parseCheckpoint(text)).toThrow("STATE_UNREADABLE");
  });
});

describe("holes", () => {
  test("a gap of 10,000 sequences at the end of a young feed is one hole, looked at again at most ten times a second", () => {
    let checkpoint = initialCheckpoint("beginning", undefined);
    for (let after = 0; after < 10_000; after += 100)
      checkpoint = absorb(checkpoint, live(checkpoint), { after, to: after + 100 }, empty, OPTIONS).checkpoint;
    expect(live(checkpoint).holes).toHaveLength(1);
    const ask = (nowMs: number) =>
      nextWindows(live(checkpoint), { latest: 10_000, width: 100, count: 1_000, nowMs }).length;
    expect(ask(NOW_MS)).toBe(0);
    let windows = 0;
    let looks = 0;
    for (let nowMs = NOW_MS; nowMs < NOW_MS + 300_000; nowMs += 1_000) {
      const plan = nextWindows(live(checkpoint), { latest: 10_000, width: 100, count: 1_000, nowMs });
      windows += plan.length;
      if (plan.length > 0) looks++;
      for (const window of plan) {
        const page = { ...empty, serverNow: msToTicks(nowMs) };
        checkpoint = absorb(checkpoint, live(checkpoint), window, page, { ...OPTIONS, nowMs }).checkpoint;
      }
    }
    expect(windows / 300).toBeLessThan(10);
    expect(looks).toBeGreaterThan(3);
    expect(live(checkpoint).holes).toHaveLength(1);
  });

  test("the number of holes is bounded; none is left out, and the farthest stay apart", () => {
    const hole = { sinceMs: 0, readMs: 0, nextMs: 0 };
    const holes = Array.from({ length: 2_500 }, (_, n) => ({
      ...hole,
      from: n * 2 + (n === 0 ? 0 : 1_000),
      to: n * 2 + (n === 0 ? 0 : 1_000),
    }));
    const bounded = boundHoles(holes);
    expect(bounded.length).toBeLessThanOrEqual(1_000);
    expect(bounded[0]).toMatchObject({ from: 0, to: 0 });
    expect(holes.every(({ from, to }) => bounded.some((other) => other.from <= from && to <= other.to))).toBe(true);
  });

  test("windows never reach beyond the end of the feed", () => {
    const checkpoint = initialCheckpoint("beginning", undefined);
    expect(nextWindows(live(checkpoint), { latest: 130, width: 100, count: 5, nowMs: 0 })).toEqual([
      { after: 0, to: 100 },
      { after: 100, to: 130 },
    ]);
  });
});
