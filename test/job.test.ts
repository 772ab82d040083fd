/** Where the outcome of a sync meets the state, on a real Redis; the sync itself is given by the test. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type ErrorCode, StudycastError } from "../src/errors.ts";
import { type JobDeps, runJob, setAside } from "../src/job.ts";
import { createState, type State } from "../src/state/index.ts";
import { type StudyId, studyId } from "../src/study.ts";
import type { SyncResult } from "../src/sync.ts";
import { startTestRedis, type TestRedis } from "./support/redis.ts";

const settle = { minMs: 0, maxMs: 100, factor: 1, burstEndMs: 60_000 };
const never = new AbortController().signal;

describe("a job's end", () => {
  let redis: TestRedis;
  let state: State;
  const enqueued: string[] = [];
  let delayMs = 0;
  beforeAll(async () => {
    redis = await startTestRedis();
    state = createState(redis.redis, { sourceId: "test", settle, graceMs: 1000 });
  });
  afterAll(() => redis.stop());

  const depsOf = (result: Partial<SyncResult>): JobDeps => {
    const whole = { instances: 0, writes: 0, bytes: 0, rejected: [], issues: [], absent: true, ...result };
    return {
      state,
      queue: {
        enqueue: async (orders) => {
          enqueued.push(...orders.map((order) => order.study));
          delayMs = orders[0]?.delayMs ?? 0;
        },
        removeFailed: async () => {},
      },
      sync: async () => ({ kind: "unchanged", ...whole }),
      now: Date.now,
      onSynced: () => {},
      onSuperseded: () => {},
    };
  };
  const run = (study: ReturnType<typeof studyId>, result: Partial<SyncResult>) =>
    runJob({ study, jobId: "1", deaths: 0 }, depsOf(result), { signal: never, ending: never });

  test("a deletion is remembered though FHIR never held the study: a frozen sync may still write it", async () => {
    const study = studyId("Microsoft.Default", "1.2.3");
    await state.mark([{ study, priority: "live", gone: true }]);
    await run(study, {});
    expect(await state.begin(study)).toMatchObject({ gone: true });
  });

  test("absence alone is no deletion", async () => {
    const study = studyId("Microsoft.Default", "1.2.4");
    await state.mark([{ study, priority: "live" }]);
    await run(study, {});
    expect(await state.begin(study)).toMatchObject({ gone: false });
  });

  test("a superseded sync leaves the study pending, of its priority, with a job", async () => {
    const study = studyId("Microsoft.Default", "1.2.5");
    await state.mark([{ study, priority: "low" }]);
    await run(study, { kind: "superseded", absent: false });
    expect(await state.begin(study)).toMatchObject({ priority: "low" });
    expect(enqueued).toContain(study);
  });

  test("a sync that is put off has its next job no sooner than it said", async () => {
    const study = studyId("Microsoft.Default", "1.2.5.1");
    await state.mark([{ study, priority: "live" }]);
    const { mark } = await state.begin(study);
    await run(study, { kind: "superseded", againInMs: 7000 });
    expect(enqueued).toContain(study);
    expect(delayMs).toBe(7000);
    // Nothing has changed of it: it is pending as before.
    expect(await state.isCurrent(study, mark)).toBe(true);
  });

  const endedByLostLock = async (study: ReturnType<typeof studyId>, write: boolean) => {
    await state.mark([{ study, priority: "live" }]);
    const lost = new AbortController();
    enqueued.length = 0;
    const sync: JobDeps["sync"] = async ({ startWrite }) => {
      if (write) startWrite();
      lost.abort();
      throw new StudycastError("ABORTED");
    };
    const job = runJob(
      { study, jobId: "1", deaths: 0 },
      { ...depsOf({}), sync },
      { signal: lost.signal, ending: never },
    );
    await expect(job).rejects.toMatchObject({ code: "ABORTED" });
    return enqueued.includes(study);
  };

  test("a sync that has lost its lock in its write marks the study again: the write may come after another worker's", async () => {
    expect(await endedByLostLock(studyId("Microsoft.Default", "1.2.6"), true)).toBe(true);
    expect(await endedByLostLock(studyId("Microsoft.Default", "1.2.7"), false)).toBe(false);
  });

  const studyOf = (uid: string) => studyId("Microsoft.Default", uid);
  const failedWith = async (study: StudyId, code: ErrorCode, write: boolean) => {
    const sync: JobDeps["sync"] = async ({ startWrite }) => {
      if (write) startWrite();
      throw new StudycastError(code);
    };
    const job = runJob({ study, jobId: "1", deaths: 0 }, { ...depsOf({}), sync }, { signal: never, ending: never });
    await expect(job).rejects.toMatchObject({ code });
    return (await redis.redis.zscore("studycast:{test}:second-looks", study)) !== null;
  };

  test("a study is noted for a second look when a write was sent and nobody knows its outcome", async () => {
    const unknown = ["FHIR_UNAVAILABLE", "FHIR_RESPONSE", "ABORTED"] as const;
    const refused = ["FHIR_REJECTED", "FHIR_CONFLICT", "FHIR_UNAUTHORIZED", "FHIR_THROTTLED"] as const;
    for (const code of unknown)
      expect([code, await failedWith(studyOf(`1.3.${code}`), code, true)]).toEqual([code, true]);
    for (const code of refused)
      expect([code, await failedWith(studyOf(`1.3.${code}`), code, true)]).toEqual([code, false]);
    for (const code of unknown)
      expect([code, await failedWith(studyOf(`1.4.${code}`), code, false)]).toEqual([code, false]);
  });

  test("a study in which a process died is noted for a second look: it may have died in its write", async () => {
    const noted = async (n: number, deaths: number) => {
      const study = studyOf(`1.5.${n}`);
      await state.mark([{ study, priority: "live" }]);
      await runJob({ study, jobId: "1", deaths }, depsOf({}), { signal: never, ending: never });
      return (await redis.redis.zscore("studycast:{test}:second-looks", study)) !== null;
    };
    expect([await noted(1, 0), await noted(2, 1)]).toEqual([false, true]);
  });

  test("a study that is set aside for the deaths of processes gets no second look, which would kill the next ones", async () => {
    const study = studyOf("1.6");
    await state.mark([{ study, priority: "live" }]);
    await runJob({ study, jobId: "1", deaths: 1 }, depsOf({}), { signal: never, ending: never });
    await state.mark([{ study, priority: "live" }]);
    await setAside({ study, jobId: "1" }, new StudycastError("WORKER_DIED"), depsOf({}));
    expect(await redis.redis.zscore("studycast:{test}:second-looks", study)).toBeNull();
    expect((await state.failed(10)).map((failed) => failed.study)).toContain(study);
  });
});
