-- seen_within(key, now, window) → how many members of a sorted set were seen within the window
local function seen_within(key, now, window)
  return redis.call('ZCOUNT', key, string.format('(%.0f', now - window), now + 60000)
end

-- crowd_within(keys, first, now, window) → how many of a crowd were seen within the window: exact, until more came than are
-- known one by one. keys, from the first on: seen, full, then four rings of twelve slices (CrowdKeys in keys.py).
local function crowd_within(keys, first, now, window)
  if redis.call('EXISTS', keys[first + 1]) == 0 then
    return seen_within(keys[first], now, window)
  end
  local at, sum = now / math.ceil(window / 10), 0
  local newest = math.floor(at)
  for ring = 0, 3 do
    local slices = {}
    for number = newest - 10, newest do
      slices[#slices + 1] = keys[first + 2 + ring * 12 + number % 12]
    end
    -- The oldest slice is only partly within the window and counts in proportion.
    local with, without = redis.call('PFCOUNT', unpack(slices)), redis.call('PFCOUNT', unpack(slices, 2))
    sum = sum + without + (with - without) * (1 - (at - newest))
  end
  return math.floor(sum + 0.5)
end
