--! _now _types _window _stale
-- Notes that a member was seen.
-- KEYS  1 members, 2 hidden, 3 hiding, 4 names, 5 left, 6 state, 7 guests
-- ARGV  1 user id, 2 name, 3 the window in ms, or '': the one that the site has noted,
--       4 '1': the member hides, '0': does not, '': as before, 5 '1': the member has just logged in,
--       then the ids by which the same visitor may have been seen as a guest
-- Returns 1; 0 where the member has just left, or where the window is not known: no site counts;
--         a text where a key is of the wrong type, and no error: what this travels with must not fail for it
local wrong = wrong_type({ { KEYS[1], 'zset' }, { KEYS[2], 'zset' }, { KEYS[3], 'set' }, { KEYS[4], 'hash' },
  { KEYS[5], 'zset' }, { KEYS[6], 'hash' }, { KEYS[7], 'zset' } })
if wrong then
  return wrong.err
end
local id, now, window = ARGV[1], now_ms(), window_of(KEYS[6], ARGV[3])
if not window then
  return 0
end
local left_until = redis.call('ZSCORE', KEYS[5], id)
if left_until and ARGV[5] ~= '1' and tonumber(left_until) > now then
  return 0
end
redis.call('ZREM', KEYS[5], id)
if ARGV[4] ~= '' then
  redis.call(ARGV[4] == '1' and 'SADD' or 'SREM', KEYS[3], id)
end
local hides = redis.call('SISMEMBER', KEYS[3], id) == 1
redis.call('ZADD', KEYS[hides and 2 or 1], now, id)
redis.call('ZREM', KEYS[hides and 1 or 2], id)
redis.call('HSET', KEYS[4], id, ARGV[2])
for i = 6, #ARGV do
  redis.call('ZREM', KEYS[7], ARGV[i])
end
for i = 1, 2 do
  local stale = take_stale(KEYS[i], now, window, 10)
  if #stale > 0 then
    redis.call('HDEL', KEYS[4], unpack(stale))
  end
end
-- All together: a set that were gone before the names could not say whose are to be forgotten.
for _, key in ipairs({ KEYS[1], KEYS[2], KEYS[4] }) do
  redis.call('PEXPIRE', key, window)
end
return 1
