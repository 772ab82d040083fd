/** What stands in the work list: counts, lists for people, and the walk over all of it for healing. Counts are counts of studies. */
import type { ErrorCode } from "../errors.ts";
import type { RedisClient } from "../redis/index.ts";
import type { Priority, StudyId } from "../study.ts";
import type { Keys } from "./keys.ts";
import { guard } from "./script.ts";
import type { JobOrder } from "./study-marks.ts";

export type Counts = {
  /** All pending studies, low priority included. */
  pending: number;
  pendingLow: number;
  /** Pending studies that wait for something, by code. */
  waiting: Partial<Record<ErrorCode, number>>;
  failed: number;
  /** Studies with rejected instances. */
  rejected: number;
  /** Feed entries that could not be used, ever. */
  rejectedEntries: number;
  /** For how long the oldest pending study has been pending; undefined when none is. */
  oldestPendingMs: number | undefined;
};
export type PendingStudy = { study: StudyId; sinceMs: number; priority: Priority; code: ErrorCode | undefined };
export type FailedStudy = { study: StudyId; atMs: number; code: ErrorCode };

const SCAN = 500;

export function views(redis: RedisClient, keys: Keys) {
  async function redisNow(): Promise<number> {
    const [seconds = 0, micros = 0] = (await guard(redis.time())).map(Number);
    return seconds * 1000 + Math.floor(micros / 1000);
  }

  async function oldest(key: string, priority: Priority, limit: number): Promise<PendingStudy[]> {
    const flat = await guard(redis.zrange(key, "0", String(limit - 1), "WITHSCORES"));
    const codes = await codesOf(flat.filter((_, at) => at % 2 === 0));
    return codes.map(({ study, code }, at) => ({ study, sinceMs: Number(flat[at * 2 + 1]), priority, code }));
  }

  async function codesOf(studies: readonly string[]): Promise<{ study: StudyId; code: ErrorCode | undefined }[]> {
    const rows = await Promise.all(studies.map((study) => guard(redis.hget(keys.row(study as StudyId), "e"))));
    return studies.map((study, at) => ({ study: study as StudyId, code: (rows[at] ?? undefined) as ErrorCode }));
  }

  async function* walk(key: string): AsyncGenerator<StudyId[], void> {
    let cursor = "0";
    do {
      const [next, flat] = await guard(redis.zscan(key, cursor, "COUNT", SCAN));
      cursor = next;
      const studies = flat.filter((_, at) => at % 2 === 0) as StudyId[];
      if (studies.length > 0) yield studies;
    } while (cursor !== "0");
  }

  return {
    async counts(): Promise<Counts> {
      const [live, low, failed, codes, rejected, entries, firstLive, firstLow, now] = await Promise.all([
        guard(redis.zcard(keys.live)),
        guard(redis.zcard(keys.low)),
        guard(redis.zcard(keys.failed)),
        guard(redis.hgetall(keys.codes)),
        guard(redis.hlen(keys.rejected)),
        guard(redis.get(keys.entryCount)),
        guard(redis.zrange(keys.live, "0", "0", "WITHSCORES")),
        guard(redis.zrange(keys.low, "0", "0", "WITHSCORES")),
        redisNow(),
      ]);
      const since = Math.min(Number(firstLive[1] ?? Infinity), Number(firstLow[1] ?? Infinity));
      return {
        pending: live + low,
        pendingLow: low,
        waiting: Object.fromEntries(Object.entries(codes).map(([code, count]) => [code, Number(count)])),
        failed,
        rejected,
        rejectedEntries: Number(entries ?? 0),
        oldestPendingMs: Number.isFinite(since) ? Math.max(0, now - since) : undefined,
      };
    },

    /** Pending studies, the oldest first. */
    async pending(limit: number): Promise<PendingStudy[]> {
      if (limit <= 0) return [];
      const both = [...(await oldest(keys.live, "live", limit)), ...(await oldest(keys.low, "low", limit))];
      return both.sort((a, b) => a.sinceMs - b.sinceMs).slice(0, limit);
    },

    /** Failed studies, the newest first. */
    async failed(limit: number): Promise<FailedStudy[]> {
      if (limit <= 0) return [];
      const flat = await guard(redis.zrevrange(keys.failed, 0, limit - 1, "WITHSCORES"));
      const codes = await codesOf(flat.filter((_, at) => at % 2 === 0));
      // One without a code has been marked again since the list was read.
      return codes.flatMap(({ study, code }, at) =>
        code === undefined ? [] : [{ study, atMs: Number(flat[at * 2 + 1]), code }],
      );
    },

    /** All failed studies, in no order. */
    allFailed: (): AsyncIterable<StudyId[]> => walk(keys.failed),

    /** A job for each pending study, in no order; for healing, which enqueues those that have none. A study may come twice. */
    async *allPending(): AsyncGenerator<JobOrder[], void> {
      for (const [key, priority] of [
        [keys.live, "live"],
        [keys.low, "low"],
      ] as const)
        for await (const studies of walk(key))
          yield studies.map((study) => ({ study, delayMs: 0, priority, pull: false }));
    },
  };
}
