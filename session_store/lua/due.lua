--! _now _types
-- Finds the sessions whose deadline is over; changes no session. Of several workers, the one that holds the lease comes
-- first; the others see what has been due for a while, so that they don't all do the same, and hear how long that lasts.
-- KEYS  1 sessions, 2 records, 3 lease
-- ARGV  1 how many at most, 2 who asks ('': nobody in particular, who comes first), 3 how long a lease lasts (ms),
--       4 how much later (ms) the others come, 5 how many to pass over: those are being ended
-- Returns now (ms since the epoch), how many ms are left until the next deadline that concerns the asker, a day at most
--         ('': there is none), how many ms another one comes first if it does not ask again (0: the asker does),
--         then for each due session, oldest first, its sid and record ('' if it has none)
local wrong = wrong_type({ { KEYS[1], 'zset' }, { KEYS[2], 'hash' } })
if wrong then
  return wrong
end
local now, others = now_ms(), 0
if ARGV[2] ~= '' then
  local holder = redis.call('GET', KEYS[3])
  if not holder then
    -- Where memory is short Redis may refuse this; then everybody comes first, which is no harm.
    redis.pcall('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
  elseif holder ~= ARGV[2] then
    others = math.max(1, redis.call('PTTL', KEYS[3]))
  elseif redis.call('PTTL', KEYS[3]) < ARGV[3] * 0.75 then
    redis.call('PEXPIRE', KEYS[3], ARGV[3])
  end
end
local horizon = others == 0 and now or now - ARGV[4]
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', horizon, 'LIMIT', ARGV[5], ARGV[1])
local coming = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. horizon, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local answer = { now, coming[2] and math.min(math.ceil(coming[2] - horizon), 86400000) or '', others }
if #due > 0 then
  local records = redis.call('HMGET', KEYS[2], unpack(due))
  for i, sid in ipairs(due) do
    answer[#answer + 1] = sid
    answer[#answer + 1] = records[i] or ''
  end
end
return answer
