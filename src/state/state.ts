/**
 * The state of one source in Redis: the work list (marks), the checkpoint, the lease, stamps, requests. The only place that knows our Redis keys.
 * It may be lost: the feed is then read again, every study is synced, nothing differs, nothing is written.
 */
import type { RedisClient } from "../redis/index.ts";
import { keysOf } from "./keys.ts";
import { rejections } from "./rejected.ts";
import { requests } from "./requests.ts";
import { guard, runScript, script } from "./script.ts";
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

/** KEYS 1 lease. ARGV 1 holder, 2 ttl in ms. Takes it when free, renews it when ours. */
const LEASE = script(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`);

/** KEYS 1 lease. ARGV 1 holder. */
const RELEASE = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0`);

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

    /** The stored checkpoint's text and the id of the write that stored it; whether it can be read is the reader's matter. */
    async checkpoint(): Promise<StoredCheckpoint> {
      const [writeId, text] = await guard(redis.hmget(keys.checkpoint, "writeId", "text"));
      if (writeId === null && text === null) return { kind: "none" };
      return { kind: "found", writeId: writeId ?? "", text: text ?? "" };
    },

    /** Takes or renews the lease; false when somebody else holds it. */
    async lease(holder: string, ttlMs: number): Promise<boolean> {
      return (await runScript(redis, LEASE, [keys.lease], [holder, ttlMs])) === 1;
    },

    /** Gives the lease back if it is ours; never throws, it expires by itself. */
    async release(holder: string): Promise<void> {
      await runScript(redis, RELEASE, [keys.lease], [holder]).catch(() => {});
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
