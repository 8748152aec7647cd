--! _now _types _record _living _claim
-- Opens a session, once: for a sid that lives already nothing changes. Where its user has too many, the oldest end for it.
-- KEYS  1 session, 2 sessions, 3 records, 4 ended, 5 audit, 6 the set that keeps the user's sids,
--       then the session keys of those that may end for it, at most 500
-- ARGV  1 sid, 2 the record as JSON without its times, 3 absolute expiry (ms since the epoch) or '',
--       4 age in ms, counted from now, where 3 is '', 5 how many sessions the user may have, or '',
--       6 how the user stands in a record: "user":"…", then the sids of those that may end for it
-- Returns status, absolute expiry and now (ms since the epoch): 'opened'; 'alive', it was open; 'ended', it has ended before and stays so;
--         'over', its expiry has passed; 'limit': come again, with leave to end the sessions whose sids follow
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

-- Those that end must have been declared, at most 500; if not, the caller is told of all, and nothing changes.
if ARGV[5] ~= '' then
  local living = living_of(KEYS[6], KEYS[2], KEYS[3], ARGV[6], now)
  local surplus = #living - tonumber(ARGV[5]) + 1
  local function names(first)
    local named = { 'limit', expires, now }
    for i = first, math.min(#living, first + 499) do
      named[#named + 1] = living[i].sid
    end
    return named
  end
  if surplus > 0 then
    local key_of, alive, claims = {}, {}, no_claims()
    for i = 7, #ARGV do
      key_of[ARGV[i]] = KEYS[i]
    end
    local function add(one, reason)
      add_claim(claims, one.sid, key_of[one.sid], KEYS[6], one.record, reason, now, one.expires)
    end
    for i = 1, math.min(#living, 500) do
      local one = living[i]
      if key_of[one.sid] and redis.call('EXISTS', key_of[one.sid]) == 0 then
        add(one, 'lost') -- it counts no more, and nobody saw why
        surplus = surplus - 1
      else
        alive[#alive + 1] = one -- one that was not declared has just been opened
      end
    end
    for i = 1, math.min(surplus, #alive) do
      if not key_of[alive[i].sid] then
        return names(1)
      end
      add(alive[i], 'limit')
    end
    claim({ sessions = KEYS[2], records = KEYS[3], ended = KEYS[4], audit = KEYS[5] }, claims, '')
    if surplus > #alive then
      return names(501)
    end
  end
end

local record = string.format('{"created":%.0f,"expires":%.0f,', now, expires) .. string.sub(ARGV[2], 2)
redis.call('SET', KEYS[1], '', 'PXAT', deadline)
redis.call('ZADD', KEYS[2], deadline, sid)
redis.call('HSET', KEYS[3], sid, record)
redis.call('SADD', KEYS[6], sid)
redis.call('XADD', KEYS[5], '*', 'v', 1, 'action', 'start', 'sid', sid, 'at', now, 'record', record)
return { 'opened', expires, now }
