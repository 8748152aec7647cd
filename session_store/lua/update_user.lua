--! _record _types
-- Writes what is new about a user into the records of the user's sessions; their times, and all else, stay as they are.
-- KEYS  1 the set that keeps the user's sids, beside those of other users, 2 records
-- ARGV  1 how the user stands in a record: "user":"…", 2 how many records to rewrite at most,
--       then for each text: its name, and what it is now, as JSON ('': it is no longer there)
-- Returns how many records were rewritten

-- Returns a record with another text in a field. As with times, the first match of a name in bare quotes is the field.
local function with_text(record, name, value)
  local first, opening = string.find(record, '"' .. name .. '":"', 1, true)
  if not first then
    return value == '' and record or string.sub(record, 1, -2) .. ',"' .. name .. '":' .. value .. '}'
  end
  local closing = string.find(record, '["\\]', opening + 1)
  while closing and string.byte(record, closing) == 92 do
    closing = string.find(record, '["\\]', closing + 2)
  end
  if not closing then
    return record
  elseif value == '' then
    return string.sub(record, 1, first - 2) .. string.sub(record, closing + 1) -- with the comma before it
  end
  return string.sub(record, 1, opening - 1) .. value .. string.sub(record, closing + 1)
end

local wrong = wrong_type({ { KEYS[1], 'set' }, { KEYS[2], 'hash' } })
if wrong then
  return wrong
end
local sids, most, changed = redis.call('SMEMBERS', KEYS[1]), tonumber(ARGV[2]), {}
for first = 1, #sids, 1000 do
  local last = math.min(first + 999, #sids)
  for i, record in ipairs(redis.call('HMGET', KEYS[2], unpack(sids, first, last))) do
    if record and #changed < 2 * most and string.find(record, ARGV[1], 1, true) and number_in(record, 'expires') then
      local new = record
      for j = 3, #ARGV, 2 do
        new = with_text(new, ARGV[j], ARGV[j + 1])
      end
      if new ~= record then
        changed[#changed + 1] = sids[first + i - 1]
        changed[#changed + 1] = new
      end
    end
  end
end
if #changed > 0 then
  redis.call('HSET', KEYS[2], unpack(changed))
end
return #changed / 2
