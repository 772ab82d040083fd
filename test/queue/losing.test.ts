/** A job that loses its worker, its lock or its process. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { StudycastError, toStudycastError } from "../../src/errors.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { createHarness, type Harness, live, numberOf, until } from "./harness.ts";

let server: TestRedis;
let h: Harness;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.redis.flushall();
  h = createHarness(server.address);
});
afterEach(() => h.close());

describe("losing the worker or the lock", () => {
  test("a job whose lock is lost is aborted, and its run ends before the next one begins", async () => {
    let running = 0;
    let most = 0;
    let aborted = 0;
    const reasons: unknown[] = [];
    h.work(
      async (_, signal) => {
        most = Math.max(most, ++running);
        try {
          await delay(aborted === 0 ? 20_000 : 5, undefined, { signal });
        } catch {
          aborted++;
          reasons.push(signal.reason);
          await delay(50);
          throw new StudycastError("ABORTED");
        } finally {
          running--;
        }
      },
      { lockMs: 400, stalledMs: 200 },
    );
    await h.mark(live(1));
    await until("it runs", () => running === 1);
    await server.redis.del("studycast:{s1}:queue:sync:1:lock");
    await until("it was aborted", () => aborted === 1, 5000);
    await h.synced();
    expect(most).toBe(1);
    // What `signal.throwIfAborted` throws must be known as an end, not as an error of the program.
    expect(reasons.map((reason) => toStudycastError(reason).code)).toEqual(["ABORTED"]);
  });

  test("a write under way when the worker is opened anew goes on, and the next run of its study begins after its end", async () => {
    const write = Promise.withResolvers<void>();
    const told: string[] = [];
    const worker = h.work(
      async ({ study: id }) => {
        const n = numberOf(id);
        told.push(`${n} begins`);
        // Whatever its signal says, as a write does.
        if (n === 1) await write.promise;
        told.push(`${n} ends`);
      },
      { lockMs: 400, stalledMs: 200 },
    );
    await h.mark(live(1));
    await until("it is held", () => told.includes("1 begins"));
    worker.reopen();
    await h.mark(live(2));
    await until("the new one works", () => told.includes("2 ends"));
    const deaths = () => server.redis.hget("studycast:{s1}:queue:sync:1", "stc");
    await until("the lock has run out", async () => Number(await deaths()) > 0);
    await delay(300);
    write.resolve();
    await h.synced();
    await h.idle();
    expect(told.filter((one) => one.startsWith("1")).join(", ")).toMatch(/^1 begins, 1 ends(, 1 begins, 1 ends)+$/);
  });

  test("a study whose process died too often in it is set aside as failed, and retried on demand", async () => {
    const deaths: number[] = [];
    await h.mark(live(1));
    await server.redis.hset("studycast:{s1}:queue:sync:1", "stc", 4);
    h.work(async (job) => void deaths.push(job.deaths), { maxDeaths: 3 });
    await until("it is set aside", async () => (await h.state.counts()).failed === 1);
    expect(deaths).toEqual([]);
    expect((await h.state.failed(1))[0]).toMatchObject({ code: "WORKER_DIED" });
    await h.mark(live(1));
    await h.synced();
    expect(deaths).toEqual([0]);
  });

  test("deaths are forgotten once a try has ended in order", async () => {
    const deaths: number[] = [];
    await h.mark(live(1));
    await server.redis.hset("studycast:{s1}:queue:sync:1", "stc", 2);
    h.work(async (job) => {
      deaths.push(job.deaths);
      if (deaths.length === 1) throw new StudycastError("FHIR_CONFLICT");
    });
    await h.synced();
    expect(deaths).toEqual([2, 0]);
  });
});
