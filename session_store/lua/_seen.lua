-- note_seen(record, place, now) → the record, with when its session was last active at a place: 'site' or 'wiki'. It is
-- kept as whole minutes since the session was created, so that it takes a few bytes, and moved on only once in five
-- minutes, so that most requests write nothing. A new session has been active on the site.
local function note_seen(record, place, now)
  local created, noted = number_in(record, 'created'), number_in(record, place)
  local minutes = created and math.floor((now - created) / 60000) or -1
  local since = noted or (place == 'site' and 0 or -5)
  if minutes < since + 5 or minutes < 0 then
    return record
  elseif noted then
    return (string.gsub(record, '"' .. place .. '":%d+', string.format('"%s":%.0f', place, minutes), 1))
  end
  return string.format('{"%s":%.0f,', place, minutes) .. string.sub(record, 2)
end
