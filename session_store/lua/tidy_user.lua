-- Removes from a set of users' sids those that have no record: their ends could not name the user.
-- KEYS  1 the set, 2 records
-- ARGV  the sids to look at
-- Returns how many were removed
local removed = 0
for _, sid in ipairs(ARGV) do
  if redis.call('HEXISTS', KEYS[2], sid) == 0 then
    removed = removed + redis.call('SREM', KEYS[1], sid)
  end
end
return removed
