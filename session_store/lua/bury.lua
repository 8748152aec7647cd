--! _now _types _record
-- Removes sessions that had ended before Redis went back to older data. Their ends are in the audit log; none is added.
-- KEYS  1 sessions, 2 records, 3 ended, then a session key for each sid, then the users' sets
-- ARGV  for each sid: the sid, the reason it had ended for, and where in KEYS its user's set is (0: not known)
-- Returns how many had come back to life
local wrong = wrong_type({ { KEYS[1], 'zset' }, { KEYS[2], 'hash' }, { KEYS[3], 'hash' } })
if wrong then
  return wrong
end
local now, buried = now_ms(), 0
for i = 1, #ARGV, 3 do
  local sid, reason, user = ARGV[i], ARGV[i + 1], KEYS[tonumber(ARGV[i + 2])]
  local record = redis.call('HGET', KEYS[2], sid)
  local found = redis.call('DEL', KEYS[4 + (i - 1) / 3])
    + redis.call('ZREM', KEYS[1], sid)
    + redis.call('HDEL', KEYS[2], sid)
  if found > 0 then
    buried = buried + 1
    if reason ~= 'expired' then
      local deadline = record and number_in(record, 'expires') or now + 1209600000
      redis.pcall('HSET', KEYS[3], sid, reason .. ' ' .. string.format('%.0f', deadline))
    end
    if user then
      redis.pcall('SREM', user, sid)
    end
  end
end
return buried
