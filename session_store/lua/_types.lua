-- wrong_type{{key, type}, …} → an error that names the first key under which something else is kept, or nil.
-- Scripts don't roll back: types are checked before the first write.
local function wrong_type(expected)
  for _, pair in ipairs(expected) do
    local found = redis.call('TYPE', pair[1]).ok
    if found ~= pair[2] and found ~= 'none' then
      return redis.error_reply('WRONGTYPE ' .. pair[1] .. ' holds a ' .. found .. ', not a ' .. pair[2])
    end
  end
end

-- trouble(answer, key) → the error to return for what redis.pcall has brought of a key, or nil where that is none. So types
-- are looked at only where something is wrong; who may not look says the key alone.
local function trouble(answer, key)
  if type(answer) ~= 'table' or not answer.err then
    return nil
  elseif not key or not string.find(answer.err, 'WRONGTYPE', 1, true) then
    return answer
  end
  return redis.error_reply('WRONGTYPE ' .. key .. ' holds a ' .. (redis.pcall('TYPE', key).ok or 'thing of another kind'))
end
