-- Ends that one entry of the stream holds at most: an entry costs Redis several times what is in it.
local TOGETHER = 50

-- append(audit, claims, actor, first, last): appends the ends from the first to the last of some claims, as one entry
local function append(audit, claims, actor, first, last)
  local by = actor ~= '' and { 'actor', actor } or {}
  if first == last then
    redis.call('XADD', audit, '*', 'v', '1', 'action', 'end', 'sid', claims.sids[first], 'reason', claims.reasons[first],
      'at', claims.texts[first], 'record', claims.records[first], unpack(by))
    return
  end
  local lengths = {}
  for i = first, last do
    lengths[i] = #claims.records[i]
  end
  redis.call('XADD', audit, '*', 'v', '2', 'action', 'ends', 'sids', table.concat(claims.sids, ' ', first, last),
    'reasons', table.concat(claims.reasons, ' ', first, last), 'ats', table.concat(claims.texts, ' ', first, last),
    'lengths', table.concat(lengths, ' ', first, last), 'records', table.concat(claims.records, '', first, last), unpack(by))
end

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
  for first = 1, #sids, TOGETHER do
    append(keys.audit, claims, actor, first, math.min(#sids, first + TOGETHER - 1))
  end
  local marks = {}
  for i, sid in ipairs(sids) do
    -- Whoever knows the deadline knows that it is over; an end before it must be remembered.
    if reasons[i] ~= 'expired' or deadlines[i] > ats[i] then
      marks[#marks + 1] = sid
      marks[#marks + 1] = reasons[i] .. ' ' .. string.format('%.0f', deadlines[i])
    end
    if claims.users[i] then
      redis.pcall('SREM', claims.users[i], sid)
    end
  end
  if #marks > 0 then
    redis.pcall('HSET', keys.ended, unpack(marks))
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
