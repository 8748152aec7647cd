--! _now
-- Lists a user's sessions that are not over; changes nothing.
-- KEYS  1 the user's set, 2 sessions, 3 records
-- ARGV  1 how many at most
-- Returns for each session its sid, deadline (ms) and record
local now, answer = now_ms(), {}
for _, sid in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local deadline, record = redis.call('ZSCORE', KEYS[2], sid), redis.call('HGET', KEYS[3], sid)
  if deadline and record and tonumber(deadline) > now then
    answer[#answer + 1] = sid
    answer[#answer + 1] = deadline
    answer[#answer + 1] = record
  end
  if #answer >= 3 * tonumber(ARGV[1]) then
    break
  end
end
return answer
