import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { StudycastError } from "../../src/errors.ts";
import type { Decision, RunningJob } from "../../src/queue/index.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { createHarness, type Harness, live, numberOf, study, until } from "./harness.ts";

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

const low = (n: number) => ({ study: study(n), priority: "low" }) as const;

describe("one job per study", () => {
  test("a marked study is synced, and leaves neither a row nor a job that waits", async () => {
    const ran: number[] = [];
    h.work(async ({ study: id }) => void ran.push(numberOf(id)));
    await h.mark(live(1), live(2));
    await h.synced();
    await h.idle();
    expect(ran.sort()).toEqual([1, 2]);
  });

  test("a job carries the study's key and nothing else", async () => {
    await h.mark(live(1));
    const keys = await server.redis.keys("studycast:{s1}:queue:sync:1");
    expect(JSON.parse((await server.redis.hget(keys[0] ?? "", "data")) ?? "")).toEqual({ study: study(1) });
  });

  test("changes while a study waits are merged, a change while it runs brings exactly one more run", async () => {
    let runs = 0;
    const gate = new AbortController();
    for (let n = 0; n < 5; n++) await h.mark(live(1));
    h.work(async () => {
      runs++;
      if (runs === 1) await delay(10_000, undefined, { signal: gate.signal }).catch(() => {});
    });
    await until("it runs", () => runs === 1);
    for (let n = 0; n < 5; n++) await h.mark(live(1));
    gate.abort();
    await h.synced();
    await h.idle();
    expect(runs).toBeLessThanOrEqual(3); // the settle's own order may merge into the second or bring a third
    expect(runs).toBeGreaterThanOrEqual(2);
  });

  test("at most one sync of a study runs at a time, whatever is marked when", async () => {
    const active = new Map<string, number>();
    let most = 0;
    const sync = async ({ study: id }: RunningJob) => {
      const now = (active.get(id) ?? 0) + 1;
      active.set(id, now);
      most = Math.max(most, now);
      await delay(Math.random() * 15);
      active.set(id, now - 1);
      if (Math.random() < 0.2) throw new StudycastError("FHIR_CONFLICT");
      if (Math.random() < 0.1) throw new StudycastError("FHIR_REJECTED");
    };
    h.work(sync, { concurrency: 8 });
    h.work(sync, { concurrency: 8 });
    for (let round = 0; round < 60; round++) {
      await h.mark(...[1, 2, 3, 4].map(live));
      await delay(Math.random() * 20);
    }
    await h.synced();
    expect(most).toBe(1);
  });
});

describe("retry policy", () => {
  const decisions: Decision["kind"][] = [];
  const onFailure = (_: unknown, __: unknown, decision: Decision) => void decisions.push(decision.kind);
  beforeEach(() => {
    decisions.length = 0;
  });
  const failing = (error: () => StudycastError, times = Number.POSITIVE_INFINITY) => {
    const tries: number[] = [];
    const sync = async () => {
      tries.push(Date.now());
      if (tries.length <= times) throw error();
    };
    return { tries, sync };
  };

  test("a transient failure is tried again, later and later, until it goes well; the study waits with its code meanwhile", async () => {
    const { tries, sync } = failing(() => new StudycastError("FHIR_CONFLICT"), 4);
    h.work(sync, { onFailure, random: () => 1 });
    await h.mark(live(1));
    await until("it failed", () => tries.length === 1);
    await until("its code is known", async () => (await h.state.counts()).waiting.FHIR_CONFLICT === 1);
    await h.synced();
    expect(tries).toHaveLength(5);
    const gaps = tries.slice(1).map((at, n) => at - (tries[n] ?? 0));
    expect(gaps[0]).toBeGreaterThanOrEqual(18);
    expect(gaps[3]).toBeGreaterThanOrEqual(98);
    expect(decisions).toEqual(["retry", "retry", "retry", "retry"]);
  });

  test("a permanent failure is kept as failed, with a job in the failed view that holds safe text only; other studies flow", async () => {
    h.work(
      async ({ study: id }) => {
        if (numberOf(id) === 1)
          throw new StudycastError("FHIR_REJECTED", { status: 422 }, { cause: new Error("Doe^John") });
      },
      { onFailure },
    );
    await h.mark(live(1), live(2), live(3));
    await h.synced();
    await until("the job has failed", async () => (await h.queue.counts()).failed === 1);
    expect(await h.state.counts()).toMatchObject({ failed: 1, pending: 0 });
    const [failed] = await h.state.failed(1);
    expect(failed).toMatchObject({ study: study(1), code: "FHIR_REJECTED" });
    for (const key of await server.redis.keys("*"))
      if ((await server.redis.type(key)) === "hash")
        expect(JSON.stringify(await server.redis.hgetall(key))).not.toContain("Doe");
    expect(decisions).toEqual(["fail"]);
  });

  test("after success the old failed job is gone from the failed view", async () => {
    const { sync } = failing(() => new StudycastError("FHIR_REJECTED"), 2);
    h.work(sync);
    await h.mark(live(1));
    await until("it has failed", async () => (await h.state.counts()).failed === 1);
    await until("its job has failed", async () => (await h.queue.counts()).failed === 1);
    await h.mark(live(1));
    await until("it has failed again", async () => (await h.queue.counts()).failed === 2);
    await h.mark(live(1));
    await h.synced();
    await until("one failed job is left at most", async () => (await h.queue.counts()).failed <= 1);
    expect((await h.state.counts()).failed).toBe(0);
  });

  test("a study that waits for a change elsewhere is looked at again after the long delay, or at once when it changes", async () => {
    const { tries, sync } = failing(() => new StudycastError("PATIENT_AMBIGUOUS"));
    h.work(sync, { onFailure, recheckMs: 400, random: () => 0.5 });
    await h.mark(live(1));
    await until("it was looked at twice", () => tries.length === 2);
    expect((tries[1] ?? 0) - (tries[0] ?? 0)).toBeGreaterThanOrEqual(390);
    await until("it waits", async () => (await h.queue.counts()).delayed === 1);
    const before = Date.now();
    await h.mark(live(1));
    await until("it was looked at again", () => tries.length === 3);
    expect(Date.now() - before).toBeLessThan(250);
    expect(decisions.every((kind) => kind === "recheck")).toBe(true);
  });

  test("while a service does not answer all workers pause, no attempt is counted, and all goes on when it is back", async () => {
    let up = false;
    let calls = 0;
    let answers = false;
    const attempts: number[] = [];
    const pauses: number[] = [];
    const sync = async ({ attempt }: RunningJob) => {
      calls++;
      attempts.push(attempt);
      if (!up) throw new StudycastError("FHIR_UNAVAILABLE");
    };
    const options = {
      probe: async () => answers,
      onPause: (_: string, ms: number) => void pauses.push(ms),
      pauseCapMs: 200,
    };
    h.work(sync, options);
    h.work(sync, options);
    await h.mark(...Array.from({ length: 30 }, (_, n) => live(n)));
    await until("a pause", () => pauses.length > 2);
    await until("it is paused", async () => (await h.queue.pausedMs()) > 0);
    await delay(1000);
    expect(calls).toBeLessThan(150); // 8 at a time and a pause of up to 0.2 s between: not a storm
    up = true;
    // Not at once: of a sync that failed before, the probe after it must not say that the trouble is its study's own.
    await delay(500);
    answers = true;
    await h.synced();
    expect(Math.max(...attempts)).toBe(1);
    expect((await h.state.counts()).failed).toBe(0);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(200);
  });

  test("eight syncs that fail in one outage make one short pause, not one that doubles eight times", async () => {
    const pauses: number[] = [];
    const begun: (() => void)[] = [];
    let up = false;
    const sync = async () => {
      if (up) return;
      await new Promise<void>((resolve) => {
        begun.push(resolve);
        if (begun.length === 8) for (const end of begun) end();
      });
      throw new StudycastError("DICOM_UNAVAILABLE");
    };
    const options = {
      probe: async () => up,
      onPause: (_: string, ms: number) => void pauses.push(ms),
      backoffBaseMs: 400,
      pauseCapMs: 60_000,
    };
    h.work(sync, { ...options, concurrency: 4 });
    h.work(sync, { ...options, concurrency: 4 });
    await h.mark(...Array.from({ length: 8 }, (_, n) => live(n)));
    await until(
      "all have failed and gone back",
      async () => pauses.length > 0 && (await h.queue.counts()).active === 0,
    );
    up = true;
    expect(pauses).toHaveLength(1);
    expect(pauses[0]).toBeLessThanOrEqual(400);
    expect(await h.queue.pausedMs()).toBeLessThanOrEqual(400);
    await h.synced();
  });

  test("a study that gets 503 for ever does not hold up others while the service answers its probe", async () => {
    h.work(
      async ({ study: id }) => {
        if (numberOf(id) === 0) throw new StudycastError("FHIR_UNAVAILABLE");
      },
      { concurrency: 1 },
    );
    await h.mark(...Array.from({ length: 20 }, (_, n) => live(n)));
    await until("all others are synced", async () => (await h.state.counts()).pending === 1);
    expect(await h.queue.pausedMs()).toBe(0);
  });

  test("Retry-After is honoured up to the cap, and a running pause is never shortened", async () => {
    const waits = [600, 50];
    const pauses: number[] = [];
    h.work(
      async () => {
        const retryAfterMs = waits.shift();
        if (retryAfterMs !== undefined) throw new StudycastError("DICOM_THROTTLED", {}, { retryAfterMs });
      },
      { concurrency: 2, onPause: (_, ms) => void pauses.push(ms), pauseCapMs: 500 },
    );
    await h.mark(live(1), live(2));
    await until("it pauses", () => pauses.length === 1);
    await delay(50);
    expect(await h.queue.pausedMs()).toBeGreaterThan(300);
    await h.synced();
    expect(pauses[0]).toBe(500);
  });

  test("new images go before low-priority work, and a live change brings its study's waiting low job forward", async () => {
    const order: number[] = [];
    await h.mark(...Array.from({ length: 20 }, (_, n) => low(n)));
    await h.mark(live(100));
    await h.mark(live(15));
    h.work(async ({ study: id }) => void order.push(numberOf(id)), { concurrency: 1 });
    await h.synced();
    expect(order.slice(0, 2).sort()).toEqual([100, 15].sort());
    expect(order).toHaveLength(21);
  });

  test("a study with a long delay is brought forward by an order that is due sooner, never pushed back", async () => {
    const ran: number[] = [];
    const order = { study: study(1), priority: "live", pull: true } as const;
    await h.queue.enqueue([{ ...order, delayMs: 60_000 }]);
    await h.queue.enqueue([{ ...order, delayMs: 100 }]);
    await h.queue.enqueue([{ ...order, delayMs: 30_000 }]);
    h.work(async () => void ran.push(Date.now()));
    await until("it ran", () => ran.length === 1, 3000);
  });
});

describe("closing", () => {
  test("what runs is finished, what waits stays for the next process", async () => {
    let ended = 0;
    const worker = h.work(
      async () => {
        await delay(150);
        ended++;
      },
      { concurrency: 2 },
    );
    await h.mark(...[1, 2, 3, 4].map(live));
    await until("two run", () => worker.running() === 2);
    await worker.close(5000);
    expect(ended).toBe(2);
    expect(await h.state.counts()).toMatchObject({ pending: 2 });
    expect(await h.queue.withoutCarrier([1, 2, 3, 4].map(study))).toHaveLength(2);
  });

  test("what does not end within the deadline is aborted and goes back to waiting, with no attempt counted", async () => {
    const worker = h.work(async (_, signal) => {
      await delay(60_000, undefined, { signal });
    });
    await h.mark(live(1));
    await until("it runs", () => worker.running() === 1);
    const before = Date.now();
    await worker.close(100);
    expect(Date.now() - before).toBeLessThan(2500);
    expect(await h.queue.counts()).toMatchObject({ waiting: 1, active: 0, failed: 0 });
    const attempts: number[] = [];
    h.work(async (job) => void attempts.push(job.attempt));
    await h.synced();
    expect(attempts).toEqual([1]);
  });
});
