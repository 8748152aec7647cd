--! _now
-- Notes that users are spread over so many shards now.
-- KEYS  1 layouts
-- ARGV  1 number of shards
-- Returns what `layouts` does
redis.call('ZADD', KEYS[1], now_ms(), ARGV[1])
return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
