import { ROW_LUA } from "./row-lua.ts";
import { script } from "./script.ts";

/**
 * mark: studies become pending, and with a page the checkpoint moves, in one write.
 *
 * KEYS 1 checkpoint, 2 live, 3 low, 4 failed, 5 codes, then one row per change.
 * ARGV 1 "page" or "", 2 expected write id ("": none stored yet), 3 write id, 4 checkpoint text, 5 mark, 6 minMs, 7 maxMs, 8 factor, 9 burstEndMs,
 *      10 graceMs, then per change: study, "low" or "live", time of the change or "", flags (g: Deleted seen, d: deletion confirmed).
 * Returns {"stale"} when the stored write id is not the expected one, and then nothing has changed; else per marked study:
 *      number of the change (from 1), delay, "low" or "live", "pull" or "".
 *
 * A change of low priority is skipped when the study has been read after it (by more than the grace period): what it tells of has been seen.
 * A full Redis refuses it before anything is written, because its first write is one that needs memory.
 * "pull": a job may lie somewhere with a longer delay or a lower priority than the study has now.
 */
export const MARK = script(`${ROW_LUA}
if ARGV[1] == 'page' then
  if (redis.call('HGET', KEYS[1], 'writeId') or '') ~= ARGV[2] then return {'stale'} end
  redis.call('HSET', KEYS[1], 'writeId', ARGV[3], 'text', ARGV[4])
end
local now = clock()
local mark, minMs, maxMs, factor = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local burstEndMs, graceMs = tonumber(ARGV[9]), tonumber(ARGV[10])
local orders = {}
for i = 1, #KEYS - 5 do
  local key = KEYS[i + 5]
  local at = 10 + (i - 1) * 4
  local study, priority, changedAt, flags = ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3]), ARGV[at + 4]
  local row = load(key, 'm', 'p', 'e', 'f', 'w', 'n', 'a', 'b', 'c', 'k', 'r', 'x')
  local seen = priority == 'low' and flags == '' and changedAt and row.r and changedAt < tonumber(row.r) - graceMs
  if not seen then
    changedAt = changedAt or now
    local pending = row.m and not row.f
    local newBurst = not row.c or now - tonumber(row.c) > burstEndMs
    if newBurst then row.b = now end
    local low = priority == 'low' and (not row.m or row.p == 'l')
    local upgraded = pending and row.p == 'l' and not low

    redis.call('HSET', key, 'm', mark, 'c', now, 'b', row.b)
    redis.call('PERSIST', key)
    if row.f then revive(key, study, now, KEYS[4]) end
    if not pending then
      redis.call('HSET', key, 's', now, 'a', changedAt)
    else
      if changedAt < tonumber(row.a) then redis.call('HSET', key, 'a', changedAt) end
      if row.w and not row.n then redis.call('HSET', key, 'n', now, 'o', changedAt) end
    end
    if low then redis.call('HSET', key, 'p', 'l') else redis.call('HDEL', key, 'p') end
    if upgraded then
      redis.call('ZADD', KEYS[2], redis.call('ZSCORE', KEYS[3], study) or now, study)
      redis.call('ZREM', KEYS[3], study)
    elseif not pending then
      redis.call('ZADD', low and KEYS[3] or KEYS[2], now, study)
    end
    if row.x or flags:find('g', 1, true) then redis.call('HSET', key, 'g', 1) end
    if flags:find('d', 1, true) then redis.call('HSET', key, 'd', 1) end

    local n = #orders
    orders[n + 1] = i
    orders[n + 2] = newBurst and minMs or settleDelay(row, now, minMs, maxMs, factor)
    orders[n + 3] = low and 'low' or 'live'
    orders[n + 4] = pending and (upgraded or newBurst or row.e) and 'pull' or ''
  end
end
return orders`);
