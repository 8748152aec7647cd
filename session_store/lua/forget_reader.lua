--! _position
-- Forgets an audit reader that is gone: the stream no longer waits for it.
-- KEYS  1 readers, 2 audit
-- ARGV  1 reader
-- Returns 1, or 0 where there is no such reader
local forgotten = redis.call('HDEL', KEYS[1], ARGV[1])
if forgotten == 1 then
  trim(KEYS[1], KEYS[2])
end
return forgotten
