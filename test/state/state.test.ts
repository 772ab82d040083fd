import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type Change, createState, type JobOrder, type State } from "../../src/state/index.ts";
import { type Priority, type StudyId, studyId } from "../../src/study.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

const settle = { minMs: 0, maxMs: 600, factor: 10, burstEndMs: 200 };
const options = { sourceId: "s1", settle, graceMs: 50 };
const study = (n: number): StudyId => studyId("Microsoft.Default", `1.2.3.${n}`);
const change = (n: number, more: Partial<Change> = {}): Change => ({ study: study(n), priority: "live", ...more });
const synced = { kind: "synced", tookMs: 0, rejected: [] } as const;

let server: TestRedis;
let state: State;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.redis.flushall();
  state = createState(server.redis, options);
});

async function mark(...changes: Change[]): Promise<JobOrder[]> {
  const marked = await state.mark(changes);
  if (!marked.ok) throw new Error("a mark without a page is never refused");
  return marked.orders;
}
const only = <T>(list: readonly T[]): T => {
  expect(list).toHaveLength(1);
  return list[0] as T;
};
const sync = async (n: number, more: { deleted?: boolean; tookMs?: number } = {}) => {
  const { mark: begun } = await state.begin(study(n));
  return state.settle(study(n), begun, { ...synced, ...more });
};

describe("marking and settling", () => {
  test("a marked study is pending until a sync that began after the mark settles it", async () => {
    expect(await mark(change(1), change(2))).toHaveLength(2);
    expect(await state.counts()).toMatchObject({ pending: 2, failed: 0, pendingLow: 0 });
    expect(await sync(1)).toEqual({ settled: true, failedJobIds: [] });
    expect(await state.counts()).toMatchObject({ pending: 1 });
    expect((await state.pending(10)).map((row) => row.study)).toEqual([study(2)]);
  });

  test("a change that comes while a sync runs keeps the study pending and orders another job", async () => {
    await mark(change(1));
    const begun = await state.begin(study(1));
    await mark(change(1));
    expect(await state.isCurrent(study(1), begun.mark)).toBe(false);
    const settled = await state.settle(study(1), begun.mark, synced);
    expect(settled).toMatchObject({ settled: false, order: { study: study(1), priority: "live" } });
    expect(await state.counts()).toMatchObject({ pending: 1 });
    expect(await sync(1)).toMatchObject({ settled: true });
    expect(await state.counts()).toMatchObject({ pending: 0 });
  });

  test("what was pending before a sync that was overtaken no longer counts as waiting since then", async () => {
    await mark(change(1, { changedAtMs: 1000 }));
    const begun = await state.begin(study(1));
    await delay(30);
    await mark(change(1, { changedAtMs: 5000 }));
    await state.settle(study(1), begun.mark, synced);
    const again = await state.begin(study(1));
    expect(again.changedMs).toBe(5000);
    expect(again.sinceMs).toBeGreaterThanOrEqual(begun.sinceMs + 25);
  });

  test("a rolled-back Redis loses no study: settling a row that is gone marks the study again", async () => {
    const before = await server.copy();
    await mark(change(1));
    const begun = await state.begin(study(1));
    await server.rollback(before);
    expect(await state.counts()).toMatchObject({ pending: 0 });
    expect(await state.isCurrent(study(1), begun.mark)).toBe(false);
    expect(await state.settle(study(1), begun.mark, synced)).toMatchObject({ settled: false });
    expect(await state.counts()).toMatchObject({ pending: 1 });
    await mark(change(2));
    const failing = await state.begin(study(2));
    await server.redis.flushall();
    const settled = await state.settle(study(2), failing.mark, { kind: "failed", code: "FHIR_REJECTED", jobId: "7" });
    expect(settled).toMatchObject({ settled: false });
    expect(await state.counts()).toMatchObject({ pending: 1, failed: 0 });
  });

  test("a job whose row is gone makes the study pending again", async () => {
    const begun = await state.begin(study(9));
    expect(await state.counts()).toMatchObject({ pending: 1 });
    expect(await state.settle(study(9), begun.mark, synced)).toMatchObject({ settled: true });
  });

  test("a deletion seen is told to the sync, remembered after it, and forgotten once the study was there again", async () => {
    await mark(change(1, { gone: true }));
    expect((await state.begin(study(1))).gone).toBe(true);
    await sync(1, { deleted: true });
    await mark(change(1));
    expect((await state.begin(study(1))).gone).toBe(true);
    await sync(1);
    await mark(change(1));
    expect((await state.begin(study(1))).gone).toBe(false);
  });

  test("a confirmed deletion is told to the sync once", async () => {
    await mark(change(1, { confirmDelete: true }));
    expect((await state.begin(study(1))).confirmDelete).toBe(true);
    await sync(1);
    await mark(change(1));
    expect((await state.begin(study(1))).confirmDelete).toBe(false);
  });

  test("only rows of pending and failed studies stay; what is remembered of others expires", async () => {
    await mark(change(1), change(2));
    await sync(1);
    expect(await server.redis.pttl(`studycast:{s1}:s:${study(1)}`)).toBeGreaterThan(0);
    expect(await server.redis.pttl(`studycast:{s1}:s:${study(2)}`)).toBe(-1);
    await mark(change(1));
    expect(await server.redis.pttl(`studycast:{s1}:s:${study(1)}`)).toBe(-1);
  });
});

describe("failed and waiting studies", () => {
  const fail = async (n: number, jobId: string) => {
    const { mark: begun } = await state.begin(study(n));
    return state.settle(study(n), begun, { kind: "failed", code: "FHIR_REJECTED", jobId });
  };

  test("a failed study is kept with its code, gets one fresh try by a new mark, and its success names the old failed job", async () => {
    await mark(change(1));
    expect(await fail(1, "11")).toEqual({ settled: true, failedJobIds: [] });
    expect(await state.counts()).toMatchObject({ pending: 0, failed: 1, waiting: {} });
    expect(only(await state.failed(10))).toMatchObject({ study: study(1), code: "FHIR_REJECTED" });
    await mark(change(1));
    expect(await state.counts()).toMatchObject({ pending: 1, failed: 0 });
    expect(await fail(1, "12")).toEqual({ settled: true, failedJobIds: ["11"] });
    await mark(change(1));
    expect(await sync(1)).toEqual({ settled: true, failedJobIds: ["12"] });
    expect(await state.counts()).toMatchObject({ pending: 0, failed: 0 });
  });

  test("a failed study whose job runs again is pending again", async () => {
    await mark(change(1));
    await fail(1, "11");
    await state.begin(study(1));
    expect(await state.counts()).toMatchObject({ pending: 1, failed: 0 });
  });

  test("waiting studies are counted by code, each once, until they are settled", async () => {
    await mark(change(1), change(2));
    for (const n of [1, 2]) await state.note(study(n), (await state.begin(study(n))).mark, "PATIENT_AMBIGUOUS");
    await state.note(study(1), (await state.begin(study(1))).mark, "FHIR_UNAVAILABLE");
    expect((await state.counts()).waiting).toEqual({ PATIENT_AMBIGUOUS: 1, FHIR_UNAVAILABLE: 1 });
    await state.note(study(2), "another mark", "ISSUER_UNKNOWN");
    expect((await state.counts()).waiting).toEqual({ PATIENT_AMBIGUOUS: 1, FHIR_UNAVAILABLE: 1 });
    await sync(1);
    await fail(2, "1");
    expect(await state.counts()).toMatchObject({ waiting: {}, failed: 1, pending: 0 });
  });

  test("all pending and all failed studies are found, however many", async () => {
    await mark(...Array.from({ length: 1700 }, (_, n) => change(n, { priority: n % 3 === 0 ? "low" : "live" })));
    const found = new Map<string, Priority>();
    for await (const orders of state.allPending()) for (const order of orders) found.set(order.study, order.priority);
    expect(found.size).toBe(1700);
    expect(found.get(study(3))).toBe("low");
    expect(await state.counts()).toMatchObject({ pending: 1700, pendingLow: 567 });
    await fail(5, "1");
    const failed: StudyId[] = [];
    for await (const studies of state.allFailed()) failed.push(...studies);
    expect(failed).toEqual([study(5)]);
  });
});

describe("settle time and priority", () => {
  test("a quiet study starts at the minimum, a burst settles for its own age, and a pause ends the burst", async () => {
    expect(only(await mark(change(1)))).toMatchObject({ delayMs: 0, pull: false });
    await delay(60);
    const second = only(await mark(change(1)));
    expect(second.delayMs).toBeGreaterThanOrEqual(55);
    expect(second.delayMs).toBeLessThan(400);
    await sync(1);
    await delay(60);
    expect(only(await mark(change(1))).delayMs).toBeGreaterThanOrEqual(110);
    await delay(settle.burstEndMs + 50);
    expect(only(await mark(change(1)))).toMatchObject({ delayMs: 0, pull: true });
  });

  test("a burst settles for at least ten times the last sync, but the first change after a quiet time does not", async () => {
    await mark(change(1));
    await sync(1, { tookMs: 200 });
    expect(only(await mark(change(1))).delayMs).toBeGreaterThanOrEqual(2000);
    await delay(settle.burstEndMs + 50);
    expect(only(await mark(change(1))).delayMs).toBe(0);
  });

  test("a live change of a study that waits with low priority brings it forward; a low one never sends it back", async () => {
    await mark(change(1, { priority: "low" }));
    expect(await state.counts()).toMatchObject({ pending: 1, pendingLow: 1 });
    expect(only(await mark(change(1)))).toMatchObject({ priority: "live", pull: true });
    expect(await state.counts()).toMatchObject({ pending: 1, pendingLow: 0 });
    expect(only(await mark(change(1, { priority: "low" })))).toMatchObject({ priority: "live" });
    expect(await state.counts()).toMatchObject({ pending: 1, pendingLow: 0 });
  });

  test("a change of a study that waits for something brings it forward", async () => {
    await mark(change(1));
    await state.note(study(1), (await state.begin(study(1))).mark, "PATIENT_AMBIGUOUS");
    expect(only(await mark(change(1)))).toMatchObject({ pull: true });
  });

  test("a low-priority change older than the last read minus the grace period is skipped; others and deletions are not", async () => {
    await mark(change(1));
    await sync(1);
    const now = Date.now();
    expect(await mark(change(1, { priority: "low", changedAtMs: now - 1000 }))).toEqual([]);
    expect(await state.counts()).toMatchObject({ pending: 0 });
    expect(await mark(change(1, { priority: "live", changedAtMs: now - 1000 }))).toHaveLength(1);
    await sync(1);
    expect(await mark(change(1, { priority: "low", changedAtMs: Date.now() - 10 }))).toHaveLength(1);
    await sync(1);
    expect(await mark(change(1, { priority: "low", changedAtMs: now - 1000, gone: true }))).toHaveLength(1);
  });

  test("a read counts from its beginning: a change made while it ran is not skipped", async () => {
    await mark(change(1));
    const { mark: begun } = await state.begin(study(1));
    await delay(120);
    const during = Date.now() - 20;
    await state.settle(study(1), begun, synced);
    expect(await mark(change(1, { priority: "low", changedAtMs: during }))).toHaveLength(1);
  });
});

describe("checkpoint", () => {
  const page = (expected: string | null, writeId: string) => ({ expected, writeId, checkpoint: `text of ${writeId}` });

  test("no checkpoint yet and an empty one are different things", async () => {
    expect(await state.checkpoint()).toEqual({ kind: "none" });
    await server.redis.hset("studycast:{s1}:checkpoint", "text", "");
    expect(await state.checkpoint()).toEqual({ kind: "found", writeId: "", text: "" });
  });

  test("a page's marks and its checkpoint are stored together", async () => {
    expect(await state.mark([change(1)], { page: page(null, "a") })).toMatchObject({ ok: true });
    expect(await state.checkpoint()).toEqual({ kind: "found", writeId: "a", text: "text of a" });
    expect(await state.counts()).toMatchObject({ pending: 1 });
  });

  test("a page write with a stale write id changes nothing", async () => {
    await state.mark([], { page: page(null, "a") });
    await state.mark([], { page: page("a", "b") });
    const dump = async () => (await server.redis.keys("*")).sort();
    const before = await dump();
    expect(await state.mark([change(1)], { page: page("a", "c") })).toEqual({ ok: false });
    expect(await state.mark([change(1)], { page: page(null, "c") })).toEqual({ ok: false });
    expect(await dump()).toEqual(before);
    expect(await state.checkpoint()).toMatchObject({ writeId: "b" });
  });

  test("of two followers that write after the same page one is refused", async () => {
    await state.mark([], { page: page(null, "a") });
    const both = await Promise.all([
      state.mark([], { page: page("a", "b") }),
      state.mark([], { page: page("a", "c") }),
    ]);
    expect(both.filter(({ ok }) => ok)).toHaveLength(1);
  });

  test("a follower that lived through a rollback of Redis is refused", async () => {
    await state.mark([], { page: page(null, "a") });
    const copy = await server.copy();
    await state.mark([change(1)], { page: page("a", "b") });
    await server.rollback(copy);
    expect(await state.mark([change(2)], { page: page("b", "c") })).toEqual({ ok: false });
    expect(await state.checkpoint()).toMatchObject({ writeId: "a" });
  });
});

describe("lease, stamp, requests, rejections", () => {
  test("one holder at a time; the lease passes on when given back or expired", async () => {
    expect(await state.lease("a", 100)).toBe(true);
    expect(await state.lease("b", 100)).toBe(false);
    expect(await state.lease("a", 100)).toBe(true);
    await state.release("b");
    expect(await state.lease("b", 100)).toBe(false);
    await state.release("a");
    expect(await state.lease("b", 50)).toBe(true);
    await delay(70);
    expect(await state.lease("a", 100)).toBe(true);
  });

  test("changed identity options are named until they are accepted", async () => {
    expect(await state.stamp({ DICOM_URL: "u", MAPPING: "1" })).toEqual({ kind: "new" });
    expect(await state.stamp({ DICOM_URL: "u", MAPPING: "1" })).toEqual({ kind: "same" });
    expect(await state.stamp({ DICOM_URL: "v", MAPPING: "1" })).toEqual({ kind: "changed", names: ["DICOM_URL"] });
    expect(await state.stamp({ MAPPING: "1", NEW: "x" })).toEqual({ kind: "changed", names: ["DICOM_URL"] });
    // A name that is new is accepted once, and counts from then on.
    expect(await state.stamp({ DICOM_URL: "u", MAPPING: "1", ISSUER: "x" })).toEqual({ kind: "same" });
    expect(await state.stamp({ DICOM_URL: "u", MAPPING: "1", ISSUER: "y" })).toEqual({
      kind: "changed",
      names: ["ISSUER"],
    });
    await state.restamp({ DICOM_URL: "v", MAPPING: "1" });
    expect(await state.stamp({ DICOM_URL: "v", MAPPING: "1" })).toEqual({ kind: "same" });
    await state.restamp({ DICOM_URL: "w" }, ["MAPPING"]);
    expect(await state.stamp({ DICOM_URL: "w", MAPPING: "2" })).toEqual({ kind: "changed", names: ["MAPPING"] });
    await server.redis.hset("studycast:{s1}:stamp", "layout", "0");
    await state.restamp({ DICOM_URL: "v" });
    expect(await state.stamp({ DICOM_URL: "v" })).toEqual({ kind: "changed", names: ["layout"] });
  });

  test("a request is carried out in order and taken up again where an interruption left it", async () => {
    const first = await state.addRequest({ kind: "resync", studies: [study(1)] });
    await delay(2);
    await state.addRequest({ kind: "retry" });
    expect(await state.claimRequest()).toMatchObject({ id: first, state: "running", done: 0 });
    await state.updateRequest(first, { done: 3, total: 9, position: "p" });
    expect(await state.claimRequest()).toMatchObject({ id: first, done: 3, total: 9, position: "p" });
    await state.finishRequest(first, { state: "done" });
    expect(await state.request(first)).toMatchObject({ state: "done", done: 3 });
    expect(await state.claimRequest()).toMatchObject({ command: { kind: "retry" } });
  });

  test("rejected instances of a study are listed until a sync without any", async () => {
    await mark(change(1));
    const { mark: begun } = await state.begin(study(1));
    const rejected = Array.from({ length: 60 }, (_, n) => ({ sop: `1.${n}`, code: "INSTANCE_INVALID" as const }));
    await state.settle(study(1), begun, { ...synced, rejected });
    expect((await state.counts()).rejected).toBe(1);
    const row = only(await state.rejectedInstances(10));
    expect(row).toMatchObject({ study: study(1), count: 60 });
    expect(row.instances).toHaveLength(50);
    await mark(change(1));
    await sync(1);
    expect(await state.rejectedInstances(10)).toEqual([]);
  });

  test("feed entries that could not be used are counted and the newest are listed", async () => {
    await state.rejectEntries([{ sequence: 4, code: "FEED_ENTRY_INVALID", what: "StudyInstanceUid" }]);
    expect((await state.counts()).rejectedEntries).toBe(1);
    expect(await state.rejectedEntries(5)).toEqual([
      { sequence: 4, code: "FEED_ENTRY_INVALID", what: "StudyInstanceUid" },
    ]);
  });

  test("a full Redis refuses marks as a whole, but what is pending can still be settled", async () => {
    await mark(change(1), change(2));
    const begun = await state.begin(study(2));
    await server.redis.config("SET", "maxmemory", "1");
    const page = { expected: null, writeId: "a", checkpoint: "" };
    await expect(state.mark([change(3)], { page })).rejects.toMatchObject({ code: "REDIS_FULL" });
    await expect(state.mark([change(3)])).rejects.toMatchObject({ code: "REDIS_FULL" });
    expect(await state.counts()).toMatchObject({ pending: 2 });
    expect(await sync(1)).toMatchObject({ settled: true });
    const failed = { kind: "failed", code: "FHIR_REJECTED", jobId: "1" } as const;
    expect(await state.settle(study(2), begun.mark, failed)).toMatchObject({ settled: true });
    await server.redis.config("SET", "maxmemory", "0");
    expect(await state.counts()).toMatchObject({ pending: 0, failed: 1 });
  });

  test("a Redis that does not answer is named as such, and used again when it is back", async () => {
    await server.kill();
    await expect(state.counts()).rejects.toMatchObject({ code: "REDIS_UNAVAILABLE" });
    await expect(state.mark([change(1)])).rejects.toMatchObject({ code: "REDIS_UNAVAILABLE" });
    await server.restart();
    expect(await state.lease("a", 10)).toBe(true);
  });
});
