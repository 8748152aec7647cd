--! _now _types
-- Reads a session; changes nothing.
-- KEYS  1 session, 2 records
-- ARGV  1 sid
-- Returns what the key has left (ms; -1 no TTL, -2 no key), now (ms since the epoch), the record or nil
local record = redis.pcall('HGET', KEYS[2], ARGV[1])
local wrong = trouble(record, KEYS[2])
if wrong then
  return wrong
end
return { redis.call('PTTL', KEYS[1]), now_ms(), record }
