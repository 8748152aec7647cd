-- number_in(record, name) → the whole number of a field of a record, or nil where it is none that a time can be.
-- Records are compact JSON, in which a text can't contain a name in bare quotes: the first match is the field.
local function number_in(record, name)
  local digits = string.match(record, '"' .. name .. '":(%d+)')
  return digits and #digits <= 15 and tonumber(digits) or nil
end
