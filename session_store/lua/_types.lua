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
