--! _position
-- Moves an audit reader's base: everything before it is known to be stored, and nothing after it is in the stream.
-- KEYS  1 readers
-- ARGV  1 reader, 2 its token, 3 its position, 4 its new base (an event id)
-- Returns 1, or 0 where the token is another's or the position is not what it was: attach again
local position, token = read_position(KEYS[1], ARGV[1])
if token ~= ARGV[2] or position ~= ARGV[3] then
  return 0
end
write_position(KEYS[1], ARGV[1], position, token, ARGV[4])
return 1
