-- read_position(readers, reader) → its position, token and base; nil, nil, '' where there is no such reader
local function read_position(readers, reader)
  local kept = redis.call('HGET', readers, reader)
  local position, token, base = string.match(kept or '', '^(%d+%-%d+) (%S+) (%S*)$')
  return position, token, base or ''
end

-- write_position(readers, reader, position, token, base): keeps them. Also at maxmemory, where Redis refuses a script's
-- first write unless it frees memory: a reader that could not go on then would keep the stream from being trimmed.
local function write_position(readers, reader, position, token, base)
  redis.call('HDEL', readers, '')
  redis.call('HSET', readers, reader, position .. ' ' .. token .. ' ' .. base)
end

-- trim(readers, audit): lets the stream forget what every reader has stored
local function trim(readers, audit)
  local ms, sequence
  for _, kept in ipairs(redis.call('HVALS', readers)) do
    local a, b = string.match(kept, '^(%d+)%-(%d+)')
    a, b = tonumber(a), tonumber(b)
    if a and (not ms or a < ms or (a == ms and b < sequence)) then
      ms, sequence = a, b
    end
  end
  if ms then
    redis.call('XTRIM', audit, 'MINID', string.format('%.0f-%.0f', ms, sequence + 1))
  end
end
