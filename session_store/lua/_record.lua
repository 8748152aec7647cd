-- number_in(record, name) → the whole number of a field of a record, or nil.
-- Records are compact JSON, in which a text can't contain a name in bare quotes: the first match is the field.
local function number_in(record, name)
  return tonumber(string.match(record, '"' .. name .. '":(%d+)'))
end
