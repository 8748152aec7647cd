--! _record _types
-- Looks through a page of all sessions for some, those that end last in front; changes nothing.
-- KEYS  1 sessions, 2 records
-- ARGV  1 deadline (ms) and 2 sid of the last one that was looked at before ('': begin), 3 how many to look at, 4 how many
--       to find at most, 5 'wiki': only what was used there, 'site': only what was not, 6 when they began at the earliest
--       and 7 at the latest (ms since the epoch, or ''), 8 and so on what their records must contain, in small letters
-- Returns how many were looked at, 1 where there are more, deadline and sid of the last one that was looked at ('' where
--         there is none), then for each one that was found its sid, deadline (ms) and record
local wrong = wrong_type({ { KEYS[1], 'zset' }, { KEYS[2], 'hash' } })
if wrong then
  return wrong
end
local first = 0
if ARGV[2] ~= '' then
  local rank = redis.call('ZREVRANK', KEYS[1], ARGV[2])
  -- Where it has ended meanwhile, those of the same deadline are looked at again.
  first = rank and rank + 1 or redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[1], '+inf')
end

local function fits(record)
  local wiki = ARGV[5] ~= '' and number_in(record, 'wiki') ~= nil
  local created = (ARGV[6] ~= '' or ARGV[7] ~= '') and (number_in(record, 'created') or 0)
  if (ARGV[5] == 'wiki' and not wiki) or (ARGV[5] == 'site' and wiki)
    or (ARGV[6] ~= '' and created < tonumber(ARGV[6])) or (ARGV[7] ~= '' and created > tonumber(ARGV[7])) then
    return false
  end
  local small = ARGV[8] and string.lower(record)
  for i = 8, #ARGV do
    if not string.find(small, ARGV[i], 1, true) then
      return false
    end
  end
  return true
end

local members = redis.call('ZREVRANGE', KEYS[1], first, first + ARGV[3] - 1, 'WITHSCORES')
local sids = {}
for i = 1, #members, 2 do
  sids[#sids + 1] = members[i]
end
local answer, looked, most = { 0, 0, '', '' }, 0, 4 + 3 * ARGV[4]
local records = #sids > 0 and redis.call('HMGET', KEYS[2], unpack(sids)) or {}
for i, sid in ipairs(sids) do
  looked = i
  if records[i] and fits(records[i]) then
    answer[#answer + 1] = sid
    answer[#answer + 1] = members[2 * i]
    answer[#answer + 1] = records[i]
    if #answer >= most then
      break
    end
  end
end
if looked > 0 then
  answer[1], answer[3], answer[4] = looked, members[2 * looked], sids[looked]
  answer[2] = (looked < #sids or #sids == tonumber(ARGV[3])) and 1 or 0
end
return answer
