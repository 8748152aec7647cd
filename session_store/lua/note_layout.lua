--! _now
-- Notes that users are spread over so many shards now.
-- KEYS  1 layouts
-- ARGV  1 number of shards
-- Returns 1
redis.call('ZADD', KEYS[1], now_ms(), ARGV[1])
return 1
