/** What the chaos runs are made of: their plans repeat, and know every fault. */
import { expect, test } from "@jest/globals";
import { FAULT_KINDS } from "./fault-kinds.ts";
import { planRun } from "./plan.ts";

const plans = Array.from({ length: 500 }, (_, seed) => planRun(seed));

test("the same seed makes the same plan, another one another", () => {
  expect(planRun(7)).toEqual(planRun(7));
  expect(new Set(plans.map((plan) => JSON.stringify({ ...plan, seed: 0 }))).size).toBe(plans.length);
});

test("every run has at least five faults, and every kind of fault and of Redis occurs", () => {
  expect(Math.min(...plans.map(({ faults }) => faults.length))).toBeGreaterThanOrEqual(5);
  const kinds = new Set(plans.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
  expect([...kinds].sort()).toEqual(Object.keys(FAULT_KINDS).sort());
  expect([...new Set(plans.map(({ redis }) => redis))].sort()).toEqual(["cluster", "pair", "single"]);
});
