-- take_stale(key, now, window, limit) → the members of a sorted set, at most so many, that were last seen before the window,
-- or at a time that is still to come: then Redis' clock was set back. They are removed.
local function take_stale(key, now, window, limit)
  local stale = redis.call('ZRANGEBYSCORE', key, '-inf', now - window, 'LIMIT', 0, limit)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, now + 60000, '+inf', 'LIMIT', 0, limit - #stale)) do
    stale[#stale + 1] = member
  end
  if #stale > 0 then
    redis.call('ZREM', key, unpack(stale))
  end
  return stale
end
