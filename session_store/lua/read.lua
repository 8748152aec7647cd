--! _now
-- Reads a session; changes nothing.
-- KEYS  1 session, 2 records
-- ARGV  1 sid
-- Returns what the key has left (ms; -1 no TTL, -2 no key), now (ms since the epoch), the record or nil
return { redis.call('PTTL', KEYS[1]), now_ms(), redis.call('HGET', KEYS[2], ARGV[1]) }
