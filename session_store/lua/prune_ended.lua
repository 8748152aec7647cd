--! _now _types
-- Forgets ends that nobody can ask about any more: their sessions' absolute deadlines are over.
-- KEYS  1 ended
-- ARGV  1 cursor, 2 how many to look at, 3 ms for which an end is kept past its deadline
-- Returns the next cursor ('0': all were looked at) and how many were forgotten
local wrong = wrong_type({ { KEYS[1], 'hash' } })
if wrong then
  return wrong
end
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local before, forgotten = now_ms() - tonumber(ARGV[3]), 0
for i = 1, #page[2], 2 do
  local deadline = tonumber(string.match(page[2][i + 1], ' (%d+)$'))
  if not deadline or deadline < before then
    forgotten = forgotten + redis.call('HDEL', KEYS[1], page[2][i])
  end
end
return { page[1], forgotten }
