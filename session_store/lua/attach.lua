-- Makes an audit reader the only one of its name: whoever acknowledged under it before no longer can.
-- KEYS  1 readers, 2 audit
-- ARGV  1 reader, 2 its new token
-- Returns its position (the id of the last entry that it has stored), its base (an event id or ''), and the id of the
--         stream's last entry
local position, base = '0-0', ''
local kept = redis.call('HGET', KEYS[1], ARGV[1])
if kept then
  local p, b = string.match(kept, '^(%d+%-%d+) %S+ (%S*)$')
  position, base = p or position, b or base
end
redis.call('HSET', KEYS[1], ARGV[1], position .. ' ' .. ARGV[2] .. ' ' .. base)
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
return { position, base, last[1] and last[1][1] or '0-0' }
