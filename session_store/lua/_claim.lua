-- claim(keys, sessions, actor): removes sessions of which anything is left, and appends their ends to the stream.
-- The caller is alone: a script runs by itself, so whoever finds anything left is the one who ends the session. The stream is
-- never written first: at maxmemory Redis refuses a script's first write, and none after it. Nothing after it may fail.
-- keys: sessions, records, ended, audit. Each of sessions, at most 500: sid, key, user (a key or nil), record (or ''), reason,
-- at (ms), deadline (ms; until when the site may ask why it ended).
local function claim(keys, sessions, actor)
  if #sessions == 0 then
    return
  end
  local names, sids = {}, {}
  for i, session in ipairs(sessions) do
    names[i], sids[i] = session.key, session.sid
  end
  redis.call('DEL', unpack(names))
  redis.call('ZREM', keys.sessions, unpack(sids))
  redis.call('HDEL', keys.records, unpack(sids))
  for _, session in ipairs(sessions) do
    redis.call('XADD', keys.audit, '*', 'v', '1', 'action', 'end', 'sid', session.sid, 'reason', session.reason,
      'at', session.at, 'actor', actor, 'record', session.record)
  end
  for _, session in ipairs(sessions) do
    -- Whoever knows the deadline knows that it is over; an end before it must be remembered.
    if session.reason ~= 'expired' or session.deadline > session.at then
      redis.pcall('HSET', keys.ended, session.sid, session.reason .. ' ' .. string.format('%.0f', session.deadline))
    end
    if session.user then
      redis.pcall('SREM', session.user, session.sid)
    end
  end
end
