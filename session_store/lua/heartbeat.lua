--! _now
-- Notes that a worker lives and what it last did; forgets workers that have not been heard of for long.
-- KEYS  1 workers
-- ARGV  1 the worker's name, 2 what it says of itself, a JSON object that is not empty, 3 ms after which one is forgotten
-- Returns how many were forgotten
local now, forgotten = now_ms(), 0
redis.call('HSET', KEYS[1], ARGV[1], string.format('{"seen":%.0f,', now) .. string.sub(ARGV[2], 2))
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local seen = tonumber(string.match(all[i + 1], '^{"seen":(%d+)'))
  if not seen or now - seen > tonumber(ARGV[3]) then
    forgotten = forgotten + redis.call('HDEL', KEYS[1], all[i])
  end
end
return forgotten
