--! _types
-- Hides a member from the list, or shows the member again; at once, and until the contrary is said.
-- KEYS  1 members, 2 hidden, 3 hiding
-- ARGV  1 user id, 2 '1': hide, '0': show
-- Returns 1, or 0 where that is how it was
local wrong = wrong_type({ { KEYS[1], 'zset' }, { KEYS[2], 'zset' }, { KEYS[3], 'set' } })
if wrong then
  return wrong
end
local id, hide = ARGV[1], ARGV[2] == '1'
local from, to = KEYS[hide and 1 or 2], KEYS[hide and 2 or 1]
local seen, left = redis.call('ZSCORE', from, id), redis.call('PTTL', from)
if seen then
  redis.call('ZREM', from, id)
  redis.call('ZADD', to, seen, id)
  if left > redis.call('PTTL', to) then
    redis.call('PEXPIRE', to, left)
  end
end
return redis.call(hide and 'SADD' or 'SREM', KEYS[3], id)
