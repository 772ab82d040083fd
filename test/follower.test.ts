import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type DicomEmulator, startDicomEmulator } from "../emulators/dicom/index.ts";
import { createFeedClient, parseCheckpoint } from "../src/changefeed/index.ts";
import { type FollowerDeps, runFollower } from "../src/follower.ts";
import { createState, type JobOrder } from "../src/state/index.ts";
import { startTestRedis, type TestRedis } from "./support/redis.ts";

const STUDIES = 120;
const ENTRIES = STUDIES * 50;
const settle = { minMs: 0, maxMs: 0, factor: 0, burstEndMs: 1000 };

const follow: FollowerDeps["follow"] = {
  ...{ pageSize: 100, readAhead: 8, graceMs: 1000, rereadAfterMs: 1000 },
  ...{ pollMinMs: 20, pollMaxMs: 100, backoffCapMs: 100 },
  mayRead: async () => true,
  observe: () => {},
  now: Date.now,
  random: Math.random,
};

describe("following while jobs go into the queue", () => {
  let dicom: DicomEmulator;
  let redis: TestRedis;
  beforeAll(async () => {
    dicom = await startDicomEmulator({ synthetic: { studies: STUDIES, images: 50 } });
    redis = await startTestRedis();
  });
  afterAll(async () => {
    await dicom.close();
    await redis.stop();
  });

  const withPages = (pageSize: number): Partial<FollowerDeps> => ({ follow: { ...follow, pageSize } });

  function start(sourceId: string, overrides: Partial<FollowerDeps> = {}) {
    const state = createState(redis.redis, { sourceId, settle, graceMs: 1000 });
    const queued = new Set<string>();
    const enqueue = async (orders: readonly JobOrder[]) => {
      await delay(5); // slower than reading, so that pages and jobs pile up
      for (const { study } of orders) queued.add(study);
    };
    const stop = new AbortController();
    const deps: FollowerDeps = {
      feed: createFeedClient({ url: dicom.url, requestTimeoutMs: 5000, maxBytes: 1e7 }),
      state,
      queue: { enqueue },
      feedStart: async () => ({ sequence: 0 }),
      follow,
      leaseMs: 300,
      besides: [],
      onLease: () => {},
      onPage: () => {},
      onTrouble: () => {},
      ...overrides,
    };
    const ended = runFollower(deps, stop.signal);
    const scan = async () => {
      const stored = await state.checkpoint();
      return stored.kind === "none" ? 0 : Math.min(...parseCheckpoint(stored.text).ranges.map((range) => range.scan));
    };
    const end = () => {
      stop.abort();
      return ended;
    };
    return { state, queued, scan, stop: end };
  }

  test("every study is marked and has a job, and the checkpoint is at the end of the feed", async () => {
    const { state, queued, scan, stop } = start("all");
    while ((await scan()) < ENTRIES) await delay(20);
    await stop();
    expect((await state.counts()).pending).toBe(STUDIES);
    expect(queued.size).toBe(STUDIES);
  });

  test("whatever else writes the checkpoint meanwhile, all is marked and the follower still stops", async () => {
    const { state, queued, scan, stop } = start("disturbed");
    for (let writes = 0; (await scan()) < ENTRIES; ) {
      const stored = await state.checkpoint();
      const page =
        stored.kind === "found"
          ? { expected: stored.writeId, writeId: randomUUID(), checkpoint: stored.text }
          : undefined;
      if (page !== undefined && writes < 20 && (await state.mark([], { page })).ok) writes++;
      await delay(5);
    }
    await stop();
    expect((await state.counts()).pending).toBe(STUDIES);
    expect(queued.size).toBe(STUDIES);
  });

  test("a queue that refuses interrupts following; it goes on from the stored checkpoint and nothing is unmarked", async () => {
    let refusals = 3;
    const enqueued = new Set<string>();
    const queue = {
      enqueue: async (orders: readonly JobOrder[]) => {
        if (refusals-- > 0) throw new Error("refused");
        for (const { study } of orders) enqueued.add(study);
      },
    };
    let troubles = 0;
    const { state, scan, stop } = start("refused", {
      queue,
      onTrouble: (error) => {
        if (error !== undefined) troubles++;
      },
    });
    while ((await scan()) < ENTRIES) await delay(20);
    await stop();
    expect(troubles).toBeGreaterThan(0);
    // Jobs of studies marked before a refusal are for healing to make; the marks are all there.
    expect((await state.counts()).pending).toBe(STUDIES);
    expect(enqueued.size).toBeLessThanOrEqual(STUDIES);
  });

  test("a study that several pages of a backfill tell of is not synced between two of them", async () => {
    const times = new Map<string, number>();
    const queue = {
      enqueue: async (orders: readonly JobOrder[]) => {
        for (const { study } of orders) times.set(study, (times.get(study) ?? 0) + 1);
      },
    };
    const { scan, stop } = start("several-pages", { queue, ...withPages(20) });
    while ((await scan()) < ENTRIES) await delay(20);
    await stop();
    expect(times.size).toBe(STUDIES);
    // A page that took longer than the study is held would count twice.
    expect([...times.values()].filter((count) => count > 1).length).toBeLessThan(STUDIES / 4);
  });

  test("the last study of the last page waits for no further page", async () => {
    const { queued, stop } = start("last-page", withPages(20));
    while (queued.size < STUDIES) await delay(20);
    await stop();
  });
});
