--! _position
-- Makes an audit reader the only one of its name: whoever acknowledged under it before no longer can.
-- KEYS  1 readers, 2 audit
-- ARGV  1 reader, 2 its new token
-- Returns its position (the id of the last entry that it has stored), its base (an event id, or ''), and the id of the
--         stream's last entry ('0-0': there is none)
local position, _, base = read_position(KEYS[1], ARGV[1])
position = position or '0-0'
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
write_position(KEYS[1], ARGV[1], position, ARGV[2], base)
return { position, base, last[1] and last[1][1] or '0-0' }
