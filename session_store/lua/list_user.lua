--! _now _types
-- Lists a user's sessions; changes nothing.
-- KEYS  1 the set that keeps the user's sids, beside those of other users, 2 sessions, 3 records
-- ARGV  1 how the user stands in a record: "user":"…", 2 how many at most, 3 'all', or '': only what is not over
-- Returns for each session its sid, deadline (ms; '' where there is none) and record
local now, answer, most, all = now_ms(), {}, 3 * ARGV[2], ARGV[3] == 'all'
local sids = redis.pcall('SMEMBERS', KEYS[1])
local wrong = trouble(sids, KEYS[1])
if wrong then
  return wrong
end
-- A command takes only so many words, and the set may be large.
for first = 1, #sids, 1000 do
  local last = math.min(first + 999, #sids)
  local records = redis.pcall('HMGET', KEYS[3], unpack(sids, first, last))
  wrong = trouble(records, KEYS[3])
  if wrong then
    return wrong
  end
  for i, record in ipairs(records) do
    local sid = sids[first + i - 1]
    local theirs = record and string.find(record, ARGV[1], 1, true)
    local deadline = theirs and redis.pcall('ZSCORE', KEYS[2], sid)
    wrong = trouble(deadline, KEYS[2])
    if wrong then
      return wrong
    end
    if theirs and (all or (deadline and tonumber(deadline) > now)) then
      answer[#answer + 1] = sid
      answer[#answer + 1] = deadline or ''
      answer[#answer + 1] = record
      if #answer >= most then
        return answer
      end
    end
  end
end
return answer
