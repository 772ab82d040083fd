import { ROW_LUA } from "./row-lua.ts";
import { script } from "./script.ts";

/**
 * begin: which mark a sync answers for. A row that is gone (Redis went back to an older state, or the study was settled by another) is made again.
 *
 * KEYS 1 row, 2 live, 3 low, 4 failed. ARGV 1 study, 2 mark for a new row.
 * Returns mark, "1" when a Deleted entry was seen, "1" when a deletion is confirmed, "low" or "live", since, time of the oldest unsynced change.
 */
export const BEGIN = script(`${ROW_LUA}
local key, study = KEYS[1], ARGV[1]
local now = clock()
local row = load(key, 'm', 'p', 'f', 's', 'a', 'g', 'd', 'x')
redis.call('PERSIST', key)
if not row.m then
  row.m, row.s, row.a = ARGV[2], now, now
  redis.call('HSET', key, 'm', row.m, 's', now, 'a', now)
  redis.call('ZADD', KEYS[2], now, study)
elseif row.f then
  row.s, row.a = now, now
  revive(key, study, now, KEYS[4])
  redis.call('ZADD', row.p == 'l' and KEYS[3] or KEYS[2], now, study)
end
redis.call('HSET', key, 'w', row.m, 't', now)
redis.call('HDEL', key, 'n', 'o')
return {row.m, (row.g or row.x) and '1' or '', row.d or '', row.p == 'l' and 'low' or 'live', row.s, row.a}`);

/**
 * settle: the last step of a sync. It counts only if the study's mark still is the one the sync began with; if the mark differs or is gone, the study
 * stays pending (or is made so again) and must have a job.
 *
 * KEYS 1 row, 2 live, 3 low, 4 failed, 5 codes, 6 rejected.
 * ARGV 1 study, 2 mark, 3 "synced", "deleted" or "failed", 4 duration in ms, 5 rejected instances as JSON ("" for none), 6 code, 7 id of the failing
 *      job, 8 mark for a new row, 9 minMs, 10 maxMs, 11 factor, 12 rememberMs, 13 goneMs.
 * A full Redis lets it through, as it does every script whose first write needs no memory (PERSIST): what settles makes room.
 * Returns {"settled", id of an older failed job or ""} or {"pending", delay, "low" or "live"}.
 */
export const SETTLE = script(`${ROW_LUA}
local key, live, low, failed, codes = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local study, mark, outcome = ARGV[1], ARGV[2], ARGV[3]
local now = clock()
local row = load(key, 'm', 'p', 'e', 'f', 'j', 'w', 't', 'n', 'o', 'b', 'x')
local done = outcome ~= 'failed'
redis.call('PERSIST', key)
if done then
  row.k = ARGV[4]
  redis.call('HSET', key, 'k', ARGV[4])
  if row.w == mark then redis.call('HSET', key, 'r', row.t) end
end

if row.m ~= mark then
  if not row.m then
    redis.call('HSET', key, 'm', ARGV[8], 's', now, 'a', now)
    if row.x then redis.call('HSET', key, 'g', 1) end
    redis.call('ZADD', live, now, study)
  elseif row.f then
    revive(key, study, now, failed)
    redis.call('ZADD', row.p == 'l' and low or live, now, study)
  elseif done and row.w == mark and row.n then
    -- what came before is in FHIR now
    redis.call('HSET', key, 's', row.n, 'a', row.o)
    redis.call('ZADD', row.p == 'l' and low or live, row.n, study)
    setCode(codes, key, row.e, nil)
  end
  return {'pending', settleDelay(row, now, tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])), row.p == 'l' and 'low' or 'live'}
end

redis.call('ZREM', live, study)
redis.call('ZREM', low, study)
if not row.f then setCode(codes, key, row.e, nil) end
if done then
  redis.call('ZREM', failed, study)
  redis.call('HDEL', key, 'm', 's', 'a', 'p', 'e', 'g', 'd', 'w', 't', 'n', 'o', 'f', 'j')
  if ARGV[5] == '' then redis.call('HDEL', KEYS[6], study) else redis.call('HSET', KEYS[6], study, ARGV[5]) end
  if outcome == 'deleted' then redis.call('HSET', key, 'x', now) else redis.call('HDEL', key, 'x') end
  redis.call('PEXPIRE', key, outcome == 'deleted' and ARGV[13] or ARGV[12])
else
  redis.call('ZADD', failed, now, study)
  redis.call('HDEL', key, 'w', 't', 'n', 'o')
  redis.call('HSET', key, 'f', now, 'e', ARGV[6], 'j', ARGV[7])
end
return {'settled', row.j ~= ARGV[7] and row.j or ''}`);

/**
 * note: why the study is still pending. KEYS 1 row, 2 codes. ARGV 1 mark, 2 code. Does nothing when the mark is another one by now.
 */
export const NOTE = script(`${ROW_LUA}
local row = load(KEYS[1], 'm', 'e', 'f')
if row.m == ARGV[1] and not row.f then setCode(KEYS[2], KEYS[1], row.e, ARGV[2]) end
return 0`);
