-- Names sets of users' sids that hold what has no record, and those that it would take too long to look into. Changes
-- nothing, so the sets need not be declared, as in suspect_index.
-- KEYS  1 records
-- ARGV  1 cursor, 2 how many of Redis' keys to look at, 3 the pattern of the sets' keys, 4 how many sids to look at, at most
-- Returns the next cursor ('0': all were looked at), how many sids were looked at, then keys
local page = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[3], 'COUNT', ARGV[2], 'TYPE', 'set')
local answer = { page[1], 0 }

local function doubtful(set)
  local size = redis.call('SCARD', set)
  if answer[2] + size > tonumber(ARGV[4]) then
    return true
  end
  answer[2] = answer[2] + size
  for _, sid in ipairs(redis.call('SMEMBERS', set)) do
    if redis.call('HEXISTS', KEYS[1], sid) == 0 then
      return true
    end
  end
end

for _, set in ipairs(page[2]) do
  if doubtful(set) then
    answer[#answer + 1] = set
  end
end
return answer
