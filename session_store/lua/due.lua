--! _now
-- Finds the sessions whose deadline is over; changes nothing.
-- KEYS  1 sessions, 2 records
-- ARGV  1 how many at most
-- Returns now (ms since the epoch), the next deadline (ms) or '', then for each due session, oldest first, its sid and record ('' if it has none)
local now = now_ms()
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
local coming = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local answer = { now, coming[2] or '' }
if #due > 0 then
  local records = redis.call('HMGET', KEYS[2], unpack(due))
  for i, sid in ipairs(due) do
    answer[#answer + 1] = sid
    answer[#answer + 1] = records[i] or ''
  end
end
return answer
