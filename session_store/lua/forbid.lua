--! _now _types
-- Sees to it that sessions are never opened: a log-out came before the opening that runs beside it.
-- KEYS  1 ended
-- ARGV  1 reason, 2 ms for which that is remembered, then the sids
-- Returns how many were not known to have ended
local wrong = wrong_type({ { KEYS[1], 'hash' } })
if wrong then
  return wrong
end
local mark, new = ARGV[1] .. ' ' .. string.format('%.0f', now_ms() + ARGV[2]), 0
for i = 3, #ARGV do
  new = new + redis.call('HSETNX', KEYS[1], ARGV[i], mark)
end
return new
