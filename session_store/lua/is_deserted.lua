-- Says whether there is nothing left in a shard.
-- KEYS  1 sessions, 2 records, 3 ended, 4 audit
-- Returns 1, or 0 where there is
for i = 1, 3 do
  if redis.call('TYPE', KEYS[i]).ok ~= 'none' then
    return 0
  end
end
return redis.call('XLEN', KEYS[4]) == 0 and 1 or 0
