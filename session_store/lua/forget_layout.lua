-- Forgets a number of shards, unless it has been noted anew, or another one has been forgotten because of which it isn't needed.
-- A mark stays: that it isn't there would mean that Redis has lost it.
-- KEYS  1 layouts
-- ARGV  1 number of shards, 2 when it had last been noted (ms), 3 … the numbers because of which it isn't needed
-- Returns 1, or 0 where it is kept
for i = 3, #ARGV do
  if (tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i])) or 0) <= 0 then
    return 0
  end
end
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1])) ~= tonumber(ARGV[2]) then
  return 0
end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
return 1
