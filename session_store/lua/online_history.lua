--! _now
-- Says how many were online in the last day, step by step; changes nothing.
-- KEYS  1 history
-- ARGV  1 how many steps at most
-- Returns now (ms since the epoch), and what is noted of each step, in no order: its number, members and others
local rows = redis.call('HVALS', KEYS[1])
while #rows > tonumber(ARGV[1]) do
  table.remove(rows)
end
return { now_ms(), rows }
