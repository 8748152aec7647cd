--! _now _types
-- Takes a member off the list.
-- KEYS  1 members, 2 hidden, 3 names, 4 left
-- ARGV  1 user id, 2 '': whenever the member was seen, and requests that are still under way don't bring the member back;
--       or a time (ms since the epoch): only if last seen by then, 3 ms for which a log-out is remembered
-- Returns 1, or 0 where the member was not on it
local wrong = wrong_type({ { KEYS[1], 'zset' }, { KEYS[2], 'zset' }, { KEYS[3], 'hash' }, { KEYS[4], 'zset' } })
if wrong then
  return wrong
end
local id = ARGV[1]
local seen = redis.call('ZSCORE', KEYS[1], id) or redis.call('ZSCORE', KEYS[2], id)
if ARGV[2] == '' then
  local now = now_ms()
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now)
  redis.call('ZADD', KEYS[4], now + ARGV[3], id)
  redis.call('PEXPIRE', KEYS[4], ARGV[3])
elseif seen and tonumber(seen) > tonumber(ARGV[2]) then
  return 0
end
if not seen then
  return 0
end
redis.call('ZREM', KEYS[1], id)
redis.call('ZREM', KEYS[2], id)
redis.call('HDEL', KEYS[3], id)
return 1
