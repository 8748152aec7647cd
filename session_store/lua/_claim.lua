-- claim(keys, claims, actor): removes sessions of which anything is left, and appends their ends to the stream.
-- The caller is alone: a script runs by itself, so whoever finds anything left is the one who ends the session. The stream is
-- never written first: at maxmemory Redis refuses a script's first write, and none after it. Nothing after it may fail.
-- keys: sessions, records, ended, audit. claims: lists of the same length, at most 500, as tables for each session would cost
-- more than all else: sids, names (the sessions' keys), users (keys, or false), records (or ''), reasons, ats (ms), texts (the
-- same as the stream is to have it), deadlines (ms; until when the site may ask why it ended).
local function claim(keys, claims, actor)
  local sids, reasons, ats, deadlines = claims.sids, claims.reasons, claims.ats, claims.deadlines
  if #sids == 0 then
    return
  end
  redis.call('DEL', unpack(claims.names))
  redis.call('ZREM', keys.sessions, unpack(sids))
  redis.call('HDEL', keys.records, unpack(sids))
  for i, sid in ipairs(sids) do
    if actor == '' then
      redis.call('XADD', keys.audit, '*', 'v', '1', 'action', 'end', 'sid', sid, 'reason', reasons[i],
        'at', claims.texts[i], 'record', claims.records[i])
    else
      redis.call('XADD', keys.audit, '*', 'v', '1', 'action', 'end', 'sid', sid, 'reason', reasons[i],
        'at', claims.texts[i], 'actor', actor, 'record', claims.records[i])
    end
  end
  for i, sid in ipairs(sids) do
    -- Whoever knows the deadline knows that it is over; an end before it must be remembered.
    if reasons[i] ~= 'expired' or deadlines[i] > ats[i] then
      redis.pcall('HSET', keys.ended, sid, reasons[i] .. ' ' .. string.format('%.0f', deadlines[i]))
    end
    if claims.users[i] then
      redis.pcall('SREM', claims.users[i], sid)
    end
  end
end

-- no_claims() → claims, none so far
local function no_claims()
  return { sids = {}, names = {}, users = {}, records = {}, reasons = {}, ats = {}, texts = {}, deadlines = {} }
end

-- add_claim(claims, sid, name, user, record, reason, at, deadline, text): one more; text: at, if it is at hand as a text
local function add_claim(claims, sid, name, user, record, reason, at, deadline, text)
  local i = #claims.sids + 1
  claims.sids[i], claims.names[i], claims.users[i], claims.records[i] = sid, name, user or false, record
  claims.reasons[i], claims.ats[i], claims.texts[i], claims.deadlines[i] = reason, at, text or at, deadline
end
