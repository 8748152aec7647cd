--! _now _record _types _seen _renew
-- Reads a session that is used, notes where it was active, and moves its deadline, each where that is due.
-- KEYS  1 session, 2 sessions, 3 records, 4 ended
-- ARGV  1 sid, 2 ms that the site's own session has left and this one is to follow, or '', 3 where it is used: 'site' or 'wiki'
-- Returns what the key has left (ms; -1 no TTL, -2 no key), now (ms since the epoch), the record or false,
--         reason and deadline of its end or false
local sid, now = ARGV[1], now_ms()
local ttl, record, over = redis.call('PTTL', KEYS[1]), redis.pcall('HGET', KEYS[3], sid), redis.pcall('HGET', KEYS[4], sid)
local wrong = trouble(record, KEYS[3]) or trouble(over, KEYS[4])
if wrong then
  return wrong
end
local expires = record and number_in(record, 'expires')
if ttl ~= -2 and ttl ~= 0 and expires and expires > now then
  record, ttl = renew({
    sid = sid,
    key = KEYS[1],
    sessions = KEYS[2],
    records = KEYS[3],
    record = record,
    expires = expires,
    noted = note_seen(record, ARGV[3], now),
    ttl = ttl,
    age = tonumber(ARGV[2]),
  }, now)
end
return trouble(record) or { ttl, now, record, over }
