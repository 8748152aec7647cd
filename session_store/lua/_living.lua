-- living_of(users, sessions, records, user, now) → the user's sessions whose deadline is to come, those that began first in front;
-- each: sid, record, created and expires (ms). users, sessions, records: keys. user: how the user stands in a record.
local function living_of(users, sessions, records, user, now)
  local found, sids = {}, redis.call('SMEMBERS', users)
  -- A command takes only so many words, and the set may be large.
  for first = 1, #sids, 1000 do
    local last = math.min(first + 999, #sids)
    for i, record in ipairs(redis.call('HMGET', records, unpack(sids, first, last))) do
      local sid = sids[first + i - 1]
      if record and string.find(record, user, 1, true) then
        local deadline, expires = redis.call('ZSCORE', sessions, sid), number_in(record, 'expires')
        if deadline and expires and tonumber(deadline) > now and expires > now then
          found[#found + 1] = { sid = sid, record = record, created = number_in(record, 'created') or 0, expires = expires }
        end
      end
    end
  end
  table.sort(found, function(a, b)
    return a.created < b.created or (a.created == b.created and a.sid < b.sid)
  end)
  return found
end
