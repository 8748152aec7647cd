--! _now _types _window _stale
-- Notes that a guest, or a bot, was seen.
-- KEYS  1 state, 2 seen, 3 full, 4 the first slice of the visitor's ring, the others after it
-- ARGV  1 the window in ms, 2 how many are known one by one, 3 the word for the sketch,
--       then for each day that it may be by Redis' clock, the middle one being the site's: its number and the visitor's id on it
-- Returns 1; a text where a key is of the wrong type, and no error: what this travels with must not fail for it
local seen, full, slices = KEYS[2], KEYS[3], #KEYS - 3
local wrong = wrong_type({ { KEYS[1], 'hash' }, { seen, 'zset' }, { full, 'string' } })
if wrong then
  return wrong.err
end
local now, window = now_ms(), window_of(KEYS[1], ARGV[1])
-- Whoever was seen before midnight has another id since then: it is replaced, so that nobody counts twice.
local today, id = string.format('%.0f', math.floor(now / 86400000)), nil
for i = 4, #ARGV, 2 do
  if ARGV[i] == today then
    id = ARGV[i + 1]
  else
    redis.call('ZREM', seen, ARGV[i + 1])
  end
end
id = id or ARGV[4 + math.floor((#ARGV - 3) / 4) * 2 + 1]
take_stale(seen, now, window, 10)
if redis.call('ZSCORE', seen, id) or redis.call('ZCARD', seen) < tonumber(ARGV[2]) then
  redis.call('ZADD', seen, now, id)
  redis.call('PEXPIRE', seen, window)
else
  redis.call('SET', full, '', 'PX', window)
end
-- Each slice of the ring is gone before its turn comes again.
local width = math.ceil(window / (slices - 2))
local number = math.floor(now / width)
local slice = KEYS[4 + number % slices]
redis.call('PFADD', slice, ARGV[3])
redis.call('PEXPIREAT', slice, (number + 1) * width + window)
return 1
