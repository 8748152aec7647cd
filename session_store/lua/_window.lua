-- window_of(state, given) → the ms that a visitor counts after being seen: as given, which is noted for those who are
-- not told, or as noted; nil where no site has said it.
local function window_of(state, given)
  local noted = redis.call('HGET', state, 'window')
  if given ~= '' and given ~= noted then
    redis.call('HSET', state, 'window', given)
  end
  return tonumber(given ~= '' and given or noted or nil)
end
