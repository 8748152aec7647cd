-- seen_within(key, now, window) → how many members of a sorted set were seen within the window
local function seen_within(key, now, window)
  return redis.call('ZCOUNT', key, string.format('(%.0f', now - window), now + 60000)
end

-- crowd_within(crowd, now, window) → how many of a crowd were seen within the window. crowd: seen, full, slices (keys).
-- Exact, until more came than are known one by one: then it is what the slices' sketches say. The oldest slice is only
-- partly within the window and counts in proportion.
local function crowd_within(crowd, now, window)
  if redis.call('EXISTS', crowd.full) == 0 then
    return seen_within(crowd.seen, now, window)
  end
  local count = #crowd.slices - 2
  local at = now / math.ceil(window / count)
  local newest, slices = math.floor(at), {}
  for number = newest - count + 1, newest do
    slices[#slices + 1] = crowd.slices[number % #crowd.slices + 1]
  end
  local without = redis.call('PFCOUNT', unpack(slices))
  slices[#slices + 1] = crowd.slices[(newest - count) % #crowd.slices + 1]
  local with = redis.call('PFCOUNT', unpack(slices))
  return math.floor(without + (with - without) * (1 - (at - newest)) + 0.5)
end

-- crowd_in(keys, first) → the crowd whose keys stand there: seen, full, then its 22 slices; see Crowd in keys.py
local function crowd_in(keys, first)
  local slices = {}
  for i = first + 2, first + 23 do
    slices[#slices + 1] = keys[i]
  end
  return { seen = keys[first], full = keys[first + 1], slices = slices }
end
