--! _now _types _record
-- Opens a session, once: for a sid that lives already nothing changes.
-- KEYS  1 session, 2 sessions, 3 records, 4 ended, 5 audit, 6 the set that keeps the user's sids
-- ARGV  1 sid, 2 the record as JSON without its times, 3 absolute expiry (ms since the epoch) or '',
--       4 age in ms, counted from now, where 3 is ''
-- Returns status, absolute expiry and now (ms since the epoch): 'opened'; 'alive', it was open; 'ended', it has ended before and stays so;
--         'over', its expiry has passed
local wrong = wrong_type({ { KEYS[1], 'string' }, { KEYS[2], 'zset' }, { KEYS[3], 'hash' }, { KEYS[4], 'hash' },
  { KEYS[5], 'stream' }, { KEYS[6], 'set' } })
if wrong then
  return wrong
end
local sid, now = ARGV[1], now_ms()
local expires = tonumber(ARGV[3]) or now + tonumber(ARGV[4])
local earlier, ttl = redis.call('HGET', KEYS[3], sid), redis.call('PTTL', KEYS[1])
local kept = earlier and number_in(earlier, 'expires')
if kept and kept > now and (ttl > 0 or ttl == -1) then
  return { 'alive', kept, now }
end
if earlier or redis.call('HEXISTS', KEYS[4], sid) == 1 then
  return { 'ended', expires, now }
end
local idle = number_in(ARGV[2], 'idle')
local deadline = idle and math.min(expires, now + idle) or expires
if deadline <= now then
  return { 'over', expires, now }
end
local record = string.format('{"created":%.0f,"expires":%.0f,', now, expires) .. string.sub(ARGV[2], 2)
redis.call('SET', KEYS[1], '', 'PXAT', deadline)
redis.call('ZADD', KEYS[2], deadline, sid)
redis.call('HSET', KEYS[3], sid, record)
redis.call('SADD', KEYS[6], sid)
redis.call('XADD', KEYS[5], '*', 'v', 1, 'action', 'start', 'sid', sid, 'at', now, 'record', record)
return { 'opened', expires, now }
