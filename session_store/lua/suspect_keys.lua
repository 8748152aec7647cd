--! _types
-- Names sessions that have a key and no place in the sorted set; changes nothing.
-- KEYS  1 sessions
-- ARGV  1 cursor, 2 how many of Redis' keys to look at, 3 what a session's key begins with, 4 the pattern of such keys
-- Returns the next cursor ('0': all were looked at), how many were looked at, then sids
local wrong = wrong_type({ { KEYS[1], 'zset' } })
if wrong then
  return wrong
end
local page = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[4], 'COUNT', ARGV[2])
local answer = { page[1], #page[2] }
for _, key in ipairs(page[2]) do
  local sid = string.sub(key, #ARGV[3] + 1)
  -- What is no sid is no session of ours.
  if #sid == 22 and not string.find(sid, '[^%w_-]') and not redis.call('ZSCORE', KEYS[1], sid) then
    answer[#answer + 1] = sid
  end
end
return answer
