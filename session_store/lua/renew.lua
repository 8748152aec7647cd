--! _now _record _types _seen _renew
-- Moves a live session's deadline, where that is due: activity was seen.
-- KEYS  1 session, 2 sessions, 3 records
-- ARGV  1 sid, 2 ms that the site's own session has left and this one is to follow, or ''
-- Returns the ms that it has left, or -2 where it doesn't live: nothing is ever revived
local sid, now = ARGV[1], now_ms()
local ttl, record = redis.call('PTTL', KEYS[1]), redis.pcall('HGET', KEYS[3], sid)
local wrong = trouble(record, KEYS[3])
if wrong then
  return wrong
end
local expires = record and number_in(record, 'expires')
if ttl == -2 or ttl == 0 or not expires or expires <= now then
  return -2
end
local noted, left = renew({
  sid = sid,
  key = KEYS[1],
  sessions = KEYS[2],
  records = KEYS[3],
  record = record,
  expires = expires,
  noted = note_seen(record, 'site', now),
  ttl = ttl,
  age = tonumber(ARGV[2]),
}, now)
return trouble(noted) or left
