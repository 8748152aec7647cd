--! _now _record _types
-- Names sessions of the sorted set that are not as they should be: without key or record, or with a deadline that key, set
-- and record don't agree on. Changes nothing, so it may build the sessions' keys from the set: they are in the slot of the
-- declared ones, and while that moves on a cluster Redis refuses the script, which has done nothing.
-- KEYS  1 sessions, 2 records
-- ARGV  1 cursor, 2 how many to look at, 3 what a session's key begins with, 4 'all': name all
-- Returns the next cursor ('0': all were looked at), how many were looked at, then sids
local wrong = wrong_type({ { KEYS[1], 'zset' }, { KEYS[2], 'hash' } })
if wrong then
  return wrong
end
local now, all = now_ms(), ARGV[4] == 'all'
local page = redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local members, sids = page[2], {}
for i = 1, #members, 2 do
  sids[#sids + 1] = members[i]
end
local answer = { page[1], #sids }

-- Mostly set and record have the same deadline, and to find a text takes less than to read a number.
local function agree(ttl, score, record)
  local deadline = now + ttl
  if ttl <= 0 or math.abs(deadline - score) > 2 then
    return false
  elseif string.find(record, '"expires":' .. score .. ',', 1, true) then
    return true
  end
  local expires = number_in(record, 'expires')
  return expires and deadline <= expires + 2
end

-- A command takes only so many words.
for first = 1, #sids, 1000 do
  local last = math.min(first + 999, #sids)
  local records = all and {} or redis.call('HMGET', KEYS[2], unpack(sids, first, last))
  for i = first, last do
    -- Older servers let the time go on within a script, and reading the records takes some.
    now = (i == first or i % 25 == 0) and now_ms() or now
    local record = records[i - first + 1]
    if not record or not agree(redis.call('PTTL', ARGV[3] .. sids[i]), members[2 * i], record) then
      answer[#answer + 1] = sids[i]
    end
  end
end
return answer
