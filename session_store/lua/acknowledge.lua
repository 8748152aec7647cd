-- Notes what an audit reader has stored durably, and trims the stream to the slowest reader.
-- KEYS  1 readers, 2 audit
-- ARGV  1 reader, 2 its token, 3 the id of the last entry stored, 4 its base: an event id, or '' to keep the one it has
-- Returns 1, or 0 where the token is another's or the entry is gone: the reader must attach again
local position, token, base = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^(%d+%-%d+) (%S+) (%S*)$')
if token ~= ARGV[2] or #redis.call('XRANGE', KEYS[2], ARGV[3], ARGV[3]) == 0 then
  return 0
end
if ARGV[4] ~= '' then
  base = ARGV[4]
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3] .. ' ' .. token .. ' ' .. base)

local function parts(id)
  local ms, sequence = string.match(id, '^(%d+)%-(%d+)')
  return tonumber(ms), tonumber(sequence)
end

local ms, sequence = parts(ARGV[3])
for _, kept in ipairs(redis.call('HVALS', KEYS[1])) do
  local other_ms, other_sequence = parts(kept)
  if other_ms and (other_ms < ms or (other_ms == ms and other_sequence < sequence)) then
    ms, sequence = other_ms, other_sequence
  end
end
redis.call('XTRIM', KEYS[2], 'MINID', string.format('%.0f-%.0f', ms, sequence + 1))
return 1
