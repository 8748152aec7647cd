-- number_in(record, name) → the whole number of a field of a record, or nil where it is none that a time can be.
-- Records are compact JSON, in which a text can't contain a name in bare quotes: the first that is found is the field. It is
-- looked for as it stands, which takes a quarter of the time that a pattern takes where there is no such field.
local function number_in(record, name)
  local _, last = string.find(record, '"' .. name .. '":', 1, true)
  local digits = last and string.match(record, '^%d+', last + 1)
  return digits and #digits <= 15 and tonumber(digits) or nil
end
