-- Lists a user's sessions; changes nothing.
-- KEYS  1 the user's set, 2 sessions, 3 records
-- ARGV  1 how many at most
-- Returns for each session its sid, deadline (ms) and record ('' for what is missing)
local answer = {}
for i, sid in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if i > tonumber(ARGV[1]) then
    break
  end
  answer[#answer + 1] = sid
  answer[#answer + 1] = redis.call('ZSCORE', KEYS[2], sid) or ''
  answer[#answer + 1] = redis.call('HGET', KEYS[3], sid) or ''
end
return answer
