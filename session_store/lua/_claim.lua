-- claim(keys, session) → whether this caller is the one that ends the session.
-- What is removed here is removed by one caller alone; that one appends the end to the stream. The stream is never
-- written first: at maxmemory Redis refuses a script's first write, and none after it. Nothing after it may fail.
-- keys: sessions, records, ended, audit. session: sid, key, user (a key or nil), record (or false), reason,
-- at (ms), deadline (ms; until when the site may ask why it ended), actor.
local function claim(keys, session)
  local found = redis.call('DEL', session.key)
    + redis.call('ZREM', keys.sessions, session.sid)
    + redis.call('HDEL', keys.records, session.sid)
  if found == 0 then
    return false
  end
  redis.call('XADD', keys.audit, '*', 'v', 1, 'action', 'end', 'sid', session.sid, 'reason', session.reason,
    'at', session.at, 'actor', session.actor, 'record', session.record or '')
  -- Whoever knows the deadline knows that it is over; an end before it must be remembered.
  if session.reason ~= 'expired' or session.deadline > session.at then
    redis.pcall('HSET', keys.ended, session.sid, session.reason .. ' ' .. string.format('%.0f', session.deadline))
  end
  if session.user then
    redis.pcall('SREM', session.user, session.sid)
  end
  return true
end
