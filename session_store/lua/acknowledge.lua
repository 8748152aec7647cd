--! _position
-- Notes what an audit reader has stored durably, and trims the stream to the slowest reader.
-- KEYS  1 readers, 2 audit
-- ARGV  1 reader, 2 its token, 3 its position so far, 4 the id of the last entry stored, 5 its new base (an event id), or
--       '' to keep the one it has
-- Returns 1, or 0 where the token is another's, the position is not what it was, or the entry is gone: attach again
local position, token, base = read_position(KEYS[1], ARGV[1])
if token ~= ARGV[2] or position ~= ARGV[3] or #redis.call('XRANGE', KEYS[2], ARGV[4], ARGV[4]) == 0 then
  return 0
end
write_position(KEYS[1], ARGV[1], ARGV[4], token, ARGV[5] ~= '' and ARGV[5] or base)
trim(KEYS[1], KEYS[2])
return 1
