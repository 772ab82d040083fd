/**
 * Studies to look at once more: a write was sent and nobody knows its outcome, so the FHIR server may carry it out later than all that is synced meanwhile.
 * All times are Redis' own, in milliseconds.
 */
import type { RedisClient } from "../redis/index.ts";
import type { StudyId } from "../study.ts";
import type { Keys } from "./keys.ts";
import { ROW_LUA } from "./row-lua.ts";
import { guard, runScript, script, texts } from "./script.ts";

/** A note as it was read; `due` is its score, as Redis wrote it. */
export type SecondLook = { study: StudyId; due: string };

/** KEYS 1 notes. ARGV 1 study, 2 time until it is due. One that is there already moves. */
const NOTE_LOOK = script(`${ROW_LUA}
redis.call('ZADD', KEYS[1], clock() + tonumber(ARGV[2]), ARGV[1])
return 0`);

/**
 * KEYS 1 notes. ARGV 1 time until a new note would be due, 2 how many at most. Returns study, score, … of those that are due.
 * One that lies further ahead than a new one was written under a clock that has been set back since, or with a longer delay: it is due too.
 */
const DUE_LOOKS = script(`${ROW_LUA}
local now, most = clock(), tonumber(ARGV[2])
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', 0, most)
local beyond = string.format('(%.0f', now + tonumber(ARGV[1]))
for _, item in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], beyond, '+inf', 'WITHSCORES', 'LIMIT', 0, most - #due / 2)) do
  due[#due + 1] = item
end
return due`);

/** KEYS 1 notes. ARGV study, score as it was read, … Takes out each whose score still is that: another one has come since and is to be looked at later. */
const END_LOOKS = script(`
for i = 1, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) == ARGV[i + 1] then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return 0`);

export function secondLooks(redis: RedisClient, keys: Keys, { secondLookMs }: { secondLookMs: number }) {
  return {
    /** Notes that a study is to be looked at once more, SECOND_LOOK_MS from now; an earlier note of the study moves. */
    async noteSecondLook(study: StudyId): Promise<void> {
      await runScript(redis, NOTE_LOOK, [keys.secondLooks], [study, secondLookMs]);
    },

    async dropSecondLook(study: StudyId): Promise<void> {
      await guard(redis.zrem(keys.secondLooks, study));
    },

    /** Studies that are due. They stay noted until `endSecondLooks`. */
    async dueSecondLooks(limit: number): Promise<SecondLook[]> {
      const flat = texts(await runScript(redis, DUE_LOOKS, [keys.secondLooks], [secondLookMs, limit]));
      const due: SecondLook[] = [];
      for (let at = 0; at + 1 < flat.length; at += 2)
        due.push({ study: flat[at] as StudyId, due: String(flat[at + 1]) });
      return due;
    },

    /** Forgets notes that have not moved since they were read. */
    async endSecondLooks(looks: readonly SecondLook[]): Promise<void> {
      const args = looks.flatMap(({ study, due }) => [study, due]);
      await runScript(redis, END_LOOKS, [keys.secondLooks], args);
    },
  };
}
