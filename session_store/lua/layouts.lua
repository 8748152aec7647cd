-- Says over how many shards users are spread, or were at some time.
-- KEYS  1 layouts
-- Returns of each, in turn, the number of shards, and when a site has last said so (ms; 0: it is forgotten)
return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
