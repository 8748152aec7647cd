--! _types
-- Names sessions that have a record and no place in the sorted set; changes nothing.
-- KEYS  1 sessions, 2 records
-- ARGV  1 cursor, 2 how many to look at
-- Returns the next cursor ('0': all were looked at), how many were looked at, then sids
local wrong = wrong_type({ { KEYS[1], 'zset' }, { KEYS[2], 'hash' } })
if wrong then
  return wrong
end
local page = redis.call('HSCAN', KEYS[2], ARGV[1], 'COUNT', ARGV[2])
local answer = { page[1], #page[2] / 2 }
for i = 1, #page[2], 2 do
  if not redis.call('ZSCORE', KEYS[1], page[2][i]) then
    answer[#answer + 1] = page[2][i]
  end
end
return answer
