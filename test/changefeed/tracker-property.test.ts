import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "@jest/globals";
import type { Order, Tally } from "./schedule-worker.ts";

/** `STUDYCAST_SEED` repeats a run. */
const SEED = Number(process.env["STUDYCAST_SEED"] ?? Math.floor(Math.random() * 1e9));

async function run(order: Omit<Order, "seed">): Promise<Tally> {
  const worker = new Worker(new URL("./schedule-worker.ts", import.meta.url), {
    workerData: { ...order, seed: SEED },
  });
  const [tally] = (await once(worker, "message")) as [Tally];
  await worker.terminate();
  return tally;
}

describe(`range tracker on random commit schedules (seed ${SEED})`, () => {
  test("no entry is lost and none is reported twice while commits come within the grace period", async () => {
    const tally = await run({ count: 100_000, commits: "in-time" });
    expect(tally.bad).toEqual([]);
    expect(tally.schedules).toBe(100_000);
    expect(tally.entries).toBeGreaterThan(500_000);
  }, 120_000);

  test("entries committed after the grace period are found by the late read", async () => {
    const tally = await run({ count: 20_000, commits: "late" });
    expect(tally.bad).toEqual([]);
    expect(tally.foundLate).toBeGreaterThan(1_000);
  }, 60_000);

  test("entries that come even after the late read are never lost in silence: each is told of as given up", async () => {
    const tally = await run({ count: 20_000, commits: "beyond" });
    expect(tally.bad).toEqual([]);
    expect(tally.givenUp).toBeGreaterThan(1_000);
  }, 60_000);
});
