--! _now _online
-- Says who is online; changes nothing.
-- KEYS  1 members, 2 hidden, 3 names, 4 state, 5 guests seen, 6 guests full, 7 the first of the guests' slices, the others
--       of all rings after it, then for bots the same as for guests
-- ARGV  1 the window in ms, 2 how many names at most
-- Returns now (ms since the epoch), how many members, hidden members, guests and bots there are, the peak ('total at', or false),
--         then the members seen last: ids, when each was seen (ms), names (false where there is none); then the same of hidden ones
local now, window = now_ms(), tonumber(ARGV[1])

local function seen_last(key)
  local rows = redis.call('ZREVRANGEBYSCORE', key, now + 60000, string.format('(%.0f', now - window), 'WITHSCORES',
    'LIMIT', 0, ARGV[2])
  local ids, times = {}, {}
  for i = 1, #rows, 2 do
    ids[#ids + 1] = rows[i]
    times[#times + 1] = rows[i + 1]
  end
  return ids, times, #ids > 0 and redis.call('HMGET', KEYS[3], unpack(ids)) or {}
end

local answer = {
  now,
  seen_within(KEYS[1], now, window),
  seen_within(KEYS[2], now, window),
  crowd_within(KEYS, 5, now, window),
  crowd_within(KEYS, 55, now, window),
  redis.call('HGET', KEYS[4], 'peak'),
}
for i = 1, 2 do
  for _, column in ipairs({ seen_last(KEYS[i]) }) do
    answer[#answer + 1] = column
  end
end
return answer
