/** Notes of studies to look at once more, on a real Redis. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { createState, type State } from "../../src/state/index.ts";
import { studyId } from "../../src/study.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

const SECOND_LOOK_MS = 400;
const settle = { minMs: 0, maxMs: 100, factor: 1, burstEndMs: 60_000 };
const study = studyId("Microsoft.Default", "1.2.3");

let server: TestRedis;
let state: State;
const stateWith = (secondLookMs: number) =>
  createState(server.redis, { sourceId: "s1", settle, graceMs: 50, secondLookMs });
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.redis.flushall();
  state = stateWith(SECOND_LOOK_MS);
});

const dueStudies = async () => (await state.dueSecondLooks(10)).map((look) => look.study);
async function untilDue(): Promise<void> {
  while ((await dueStudies()).length === 0) await delay(10);
}

describe("a second look", () => {
  test("is due SECOND_LOOK_MS after the last note of its study, and stays noted until it is ended", async () => {
    await state.noteSecondLook(study);
    await delay(SECOND_LOOK_MS / 2);
    const movedMs = performance.now();
    await state.noteSecondLook(study);
    expect(await dueStudies()).toEqual([]);
    await untilDue();
    expect(performance.now() - movedMs).toBeGreaterThan(SECOND_LOOK_MS - 50);
    const due = await state.dueSecondLooks(10);
    expect(due.map((look) => look.study)).toEqual([study]);
    await state.endSecondLooks(due);
    expect(await server.redis.keys("*")).toEqual([]);
  });

  test("that was noted anew since it was read is not ended", async () => {
    await state.noteSecondLook(study);
    await untilDue();
    const due = await state.dueSecondLooks(10);
    await state.noteSecondLook(study);
    await state.endSecondLooks(due);
    expect(await dueStudies()).toEqual([]);
    await untilDue();
    expect(await dueStudies()).toEqual([study]);
  });

  test("further ahead than SECOND_LOOK_MS is due: it was noted before the clock was set back", async () => {
    const others = [1, 2, 3].map((n) => studyId("Microsoft.Default", `1.2.3.${n}`));
    for (const other of others) await stateWith(3_600_000).noteSecondLook(other);
    expect((await dueStudies()).sort()).toEqual(others);
    expect(await state.dueSecondLooks(2)).toHaveLength(2);
    await state.endSecondLooks(await state.dueSecondLooks(10));
    expect(await dueStudies()).toEqual([]);
  });
});
