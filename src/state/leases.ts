/**
 * Who does what only one process may do at a time: follow the feed, create a resource.
 *
 * Redis knows no patient: ids of resources fall into numbered places, far fewer than there are patients. Two ids that share a place keep each other waiting,
 * or end each other's claim, for nothing.
 */
import { createHash, randomBytes } from "node:crypto";
import type { RedisClient } from "../redis/index.ts";
import type { Keys } from "./keys.ts";
import { runScript, script } from "./script.ts";

/** KEYS 1 lease. ARGV 1 holder, 2 ttl in ms. Takes it when free, renews it when ours; else returns how long it still is somebody else's, in ms. */
const LEASE = script(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return redis.call('PTTL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'OK'`);

/** KEYS 1 lease. ARGV 1 holder. */
const RELEASE = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0`);

export function leases(redis: RedisClient, keys: Keys) {
  const claimant = randomBytes(9).toString("base64url");
  /** Undefined when it is ours now. */
  const take = async (key: string, holder: string, ttlMs: number): Promise<number | undefined> => {
    const reply = await runScript(redis, LEASE, [key], [holder, ttlMs]);
    return reply === "OK" ? undefined : Math.max(0, ttlMs - Number(reply));
  };
  /** Never throws, it expires by itself. */
  const giveBack = async (key: string, holder: string) => {
    await runScript(redis, RELEASE, [key], [holder]).catch(() => {});
  };
  return {
    /** Takes or renews the lease of the follower; false when somebody else holds it. */
    lease: async (holder: string, ttlMs: number): Promise<boolean> =>
      (await take(keys.lease, holder, ttlMs)) === undefined,

    /** Gives the lease back if it is ours; never throws. */
    release: (holder: string): Promise<void> => giveBack(keys.lease, holder),

    /**
     * Claims the creation of a resource for this process, for so long at most. Only an order of work: without it the later creation overwrites the earlier
     * one, which fhir/put-back.ts sets right.
     * @returns for how long another process has claimed it, in milliseconds; undefined when it is ours now
     */
    claimCreation: (id: string, ttlMs: number): Promise<number | undefined> =>
      take(keys.creation(placeOf(id)), claimant, ttlMs),

    /** Ends this process' claim; never throws. */
    endCreation: (id: string): Promise<void> => giveBack(keys.creation(placeOf(id)), claimant),
  };
}

/** One of 65,536. */
function placeOf(id: string): string {
  return createHash("sha256").update(id).digest("hex").slice(0, 4);
}
