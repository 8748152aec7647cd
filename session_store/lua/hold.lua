-- Takes a lease, or keeps it: of several processes that could do a job, its holder does it.
-- KEYS  1 lease
-- ARGV  1 who asks, 2 for how long (ms); nought gives it back
-- Returns who holds it now; '' where it was given back
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return holder
elseif ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
  return ''
elseif holder then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
else
  -- Where memory is short Redis may refuse this; then everybody goes on, and what they must not do twice is told by token.
  redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return ARGV[1]
