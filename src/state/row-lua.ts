/**
 * The row of a study, as the scripts see it: one small hash, because there is one per pending study.
 *
 * While pending or failed it has `m` and does not expire:
 *   m mark · s since when pending · a time of the oldest change not yet in FHIR · p "l" when low · e code · g Deleted seen · d deletion confirmed
 *   w the mark the running sync began with · t when it began · n, o like s and a, for what came after it began
 *   f when it failed · j the BullMQ job that failed
 * Remembered with and after it, until the hash expires:
 *   b start of the present burst of changes · c last change · k duration of the last sync · r when the last sync that settled began · x when deleted
 *
 * Invariants: m without f ⇔ the study is in exactly one of the sets live and low (low ⇔ p is "l"), and its code is counted once in codes;
 * m with f ⇔ it is in failed; no m ⇔ it is in none of them and the hash expires. All times are Redis' own, in milliseconds.
 */
export const ROW_LUA = `
local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function load(key, ...)
  local names = {...}
  local values = redis.call('HMGET', key, ...)
  local row = {}
  for i, name in ipairs(names) do if values[i] then row[name] = values[i] end end
  return row
end

local function setCode(codes, key, old, new)
  if old == new then return end
  if old and redis.call('HINCRBY', codes, old, -1) <= 0 then redis.call('HDEL', codes, old) end
  if new then
    redis.call('HINCRBY', codes, new, 1)
    redis.call('HSET', key, 'e', new)
  else
    redis.call('HDEL', key, 'e')
  end
end

-- the failed study is pending again
local function revive(key, study, now, failed)
  redis.call('ZREM', failed, study)
  redis.call('HDEL', key, 'f', 'e')
  redis.call('HSET', key, 's', now, 'a', now)
end

local function settleDelay(row, now, minMs, maxMs, factor)
  local age = now - tonumber(row.b or now)
  local delay = math.max(minMs, math.min(maxMs, age))
  return math.floor(math.max(delay, math.min(maxMs * 10, factor * tonumber(row.k or 0))))
end
`;
