-- renew(session, now) → the record (or an error) and the ms that the session has left, after moving its deadline where
-- that is due.
-- session: sid, key, sessions, records (keys), record, expires (as it says), noted (the record as it is to be), ttl (ms),
-- age (ms the site's session has left, or nil).
-- A wiki may be forbidden to write records: then it notes nothing, and Redis' log of refusals stays empty.
-- A deadline is moved when it is off by a tenth of its timeout, at most by a minute, so that most requests write nothing.
local function renew(session, now)
  local expires, idle = session.expires, number_in(session.record, 'idle')
  local until_then = session.age and now + session.age or expires
  local step = math.min(60000, (idle or session.age or 0) / 10)
  local record = session.noted
  if math.abs(until_then - expires) >= step and until_then ~= expires then
    record = string.gsub(record, '"expires":%d+', string.format('"expires":%.0f', until_then), 1)
    redis.call('HSET', session.records, session.sid, record)
    expires = until_then
  elseif record ~= session.record
    and not (redis.acl_check_cmd and not redis.acl_check_cmd('HSET', session.records, session.sid, record)) then
    -- At maxmemory Redis refuses it: then nobody knows, and nobody is locked out.
    redis.pcall('HSET', session.records, session.sid, record)
  end
  local deadline = idle and math.min(expires, now + idle) or expires
  local left = deadline - now
  if session.ttl > 0 and math.abs(left - session.ttl) < math.max(step, 2) and session.ttl <= expires - now + 1 then
    return record, session.ttl
  end
  local wrong = wrong_type({ { session.sessions, 'zset' } })
  if wrong then
    return wrong, -2
  end
  redis.call('PEXPIREAT', session.key, deadline)
  redis.call('ZADD', session.sessions, deadline, session.sid)
  return record, deadline - now
end
