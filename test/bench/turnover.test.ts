import { expect, test } from "@jest/globals";
import { createTurnoverBackend, planTurnover } from "../../bench/turnover.ts";

const OPTIONS = { groups: 8, studies: 4, images: 3, lifeGroups: 5, rate: 12, startMs: 1_700_000_000_000 };
const END_MS = OPTIONS.startMs + 3_600_000;
const scope = { partition: "Microsoft.Default" };

test("each image of the turnover feed is created once, changed after that, and deleted last", () => {
  const { actions, places, created, updated, deleted } = planTurnover(OPTIONS);
  expect(created).toHaveLength(8 * 4 * 3);
  created.forEach((sequence, at) => {
    expect([actions[sequence - 1], places[sequence - 1]]).toEqual([0, at]);
    for (const later of [updated[at], deleted[at]]) if (later) expect(later).toBeGreaterThan(sequence);
    if (updated[at] && deleted[at]) expect(deleted[at]).toBeGreaterThan(updated[at] ?? 0);
  });
  const told = [...created, ...updated, ...deleted].filter((sequence) => sequence > 0);
  expect(told.sort((a, b) => a - b)).toEqual(Array.from({ length: actions.length }, (_, i) => i + 1));
});

test("the turnover service holds what a replay of its feed gives, at any moment", () => {
  let nowMs = OPTIONS.startMs;
  const backend = createTurnoverBackend(OPTIONS, () => nowMs);
  expect(backend.latest("sequence")).toBeUndefined();
  for (const seconds of [1, 3, 7, 20, 3600]) {
    nowMs = OPTIONS.startMs + seconds * 1000;
    const held = new Map<string, number>();
    for (const entry of backend.feedBySequence(0, 10_000)) {
      if (entry.action === "Delete") held.delete(entry.instance);
      else held.set(entry.instance, entry.sequence);
    }
    const found = [...backend.instances(scope)].map(({ instance, watermark }) => [instance, watermark] as const);
    expect(new Map(found)).toEqual(held);
  }
  expect(nowMs).toBe(END_MS);
  // Those of the last five groups, less one image of every fourth study of the group four before the last.
  expect([...backend.instances(scope)].length).toBe(5 * 4 * 3 - 1);
});

test("a changed study says so in its metadata", () => {
  const backend = createTurnoverBackend(OPTIONS, () => END_MS);
  const changed = [...backend.instances(scope)].filter((view) => view.json().includes("CT changed later"));
  expect(new Set(changed.map(({ study }) => study)).size).toBe(3);
});
