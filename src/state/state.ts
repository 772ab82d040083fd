/**
 * The state of one source in Redis: the work list (marks), the checkpoint, the lease, stamps, requests. The only place that knows our Redis keys.
 * It may be lost: the feed is then read again, every study is synced, nothing differs, nothing is written.
 */
import type { RedisClient } from "../redis/index.ts";
import { keysOf } from "./keys.ts";
import { leases } from "./leases.ts";
import { rejections } from "./rejected.ts";
import { requests } from "./requests.ts";
import { guard } from "./script.ts";
import { secondLooks } from "./second-looks.ts";
import { stamps } from "./stamp.ts";
import { type MarkOptions, studyMarks } from "./study-marks.ts";
import { views } from "./views.ts";

export type StateOptions = {
  sourceId: string;
  settle: MarkOptions["settle"];
  graceMs: number;
  rememberMs?: number;
  goneMs?: number;
  secondLookMs?: number;
};
export type StoredCheckpoint = { kind: "none" } | { kind: "found"; writeId: string; text: string };
export type State = ReturnType<typeof createState>;

const HOUR_MS = 3_600_000;

/** Every function throws StudycastError of service redis (REDIS_UNAVAILABLE, REDIS_FULL, REDIS_UNAUTHORIZED) when Redis does not do it. */
export function createState(redis: RedisClient, options: StateOptions) {
  const keys = keysOf(options.sourceId);
  const times = { rememberMs: HOUR_MS, goneMs: 24 * HOUR_MS, secondLookMs: HOUR_MS / 6, ...options };
  return {
    // biome-ignore lint/nursery/noMisusedPromises: an object of functions, not a promise
    ...studyMarks(redis, keys, times),
    ...views(redis, keys),
    ...rejections(redis, keys),
    ...stamps(redis, keys),
    ...requests(redis, keys, Date.now),
    ...secondLooks(redis, keys, times),
    ...leases(redis, keys),

    /** The stored checkpoint's text and the id of the write that stored it; whether it can be read is the reader's matter. */
    async checkpoint(): Promise<StoredCheckpoint> {
      const [writeId, text] = await guard(redis.hmget(keys.checkpoint, "writeId", "text"));
      if (writeId === null && text === null) return { kind: "none" };
      return { kind: "found", writeId: writeId ?? "", text: text ?? "" };
    },

    /** Leaves a snapshot for `status` to show when no worker runs. */
    async writeStatus(json: string): Promise<void> {
      await guard(redis.set(keys.status, json));
    },

    async readStatus(): Promise<string | undefined> {
      return (await guard(redis.get(keys.status))) ?? undefined;
    },
  };
}
