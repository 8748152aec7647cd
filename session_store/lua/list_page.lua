--! _types
-- Lists a page of all sessions, those that end first in front; changes nothing.
-- KEYS  1 sessions, 2 records
-- ARGV  1 rank of the first, 2 rank of the last
-- Returns for each session its sid, deadline (ms) and record ('' for what is missing)
local wrong = wrong_type({ { KEYS[1], 'zset' }, { KEYS[2], 'hash' } })
if wrong then
  return wrong
end
local members = redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'WITHSCORES')
local answer = {}
for i = 1, #members, 2 do
  answer[#answer + 1] = members[i]
  answer[#answer + 1] = members[i + 1]
  answer[#answer + 1] = redis.call('HGET', KEYS[2], members[i]) or ''
end
return answer
