--! _now _types _record _claim
-- Ends sessions: the one way, whoever asks. What turns out to live on is mended instead.
-- KEYS  1 sessions, 2 records, 3 ended, 4 audit, then a session key for each sid, then the users' sets
-- ARGV  1 reason, 2 'always', or 'gone': only what has no key any more or is past its deadline, 3 actor or '',
--       then for each sid: the sid, and where in KEYS its user's set is (0: not known)
-- Returns for each sid the reason that it ended for; '' where it lives on or had ended before; 'stray' where it was no sid
local keys = { sessions = KEYS[1], records = KEYS[2], ended = KEYS[3], audit = KEYS[4] }
local wrong = wrong_type({ { KEYS[1], 'zset' }, { KEYS[2], 'hash' }, { KEYS[3], 'hash' }, { KEYS[4], 'stream' } })
if wrong then
  return wrong
end
local asked, always, actor = ARGV[1], ARGV[2] == 'always', ARGV[3]
local now = now_ms()

-- Somebody may have put any number there; what can't be a time counts as none.
local function time_of(score)
  local ms = math.floor(tonumber(score) or 0)
  return ms > 0 and ms < 1e15 and ms or nil
end

-- A deadline that has passed outweighs what the caller asks for: the session had ended by then. Of the two deadlines
-- the earlier one counts, but a key that still lives has outlived the sorted set's.
local function past_deadline(ttl, score, expires, idle)
  local over = ttl == 0 or (expires and expires <= now) or (score and score <= now and ttl <= 0)
  if not over then
    return nil
  end
  local mirrored = ttl <= 0 and score or nil
  local at = math.min(mirrored or now, expires or now)
  return at, (idle and expires and at < expires) and 'idle' or 'expired'
end

local function mend(sid, key, user, ttl, score, expires)
  local deadline = math.min(ttl > 0 and now + ttl or score or expires, expires)
  if ttl == -1 or now + ttl > deadline + 1 then
    redis.call('PEXPIREAT', key, deadline)
  end
  if not score or math.abs(score - deadline) > 1 then
    redis.call('ZADD', keys.sessions, deadline, sid)
  end
  if user then
    redis.pcall('SADD', user, sid)
  end
end

-- Returns the reason and the time of the end, or nothing where the session lives on.
local function verdict(sid, key, user, record, score)
  local ttl = redis.call('PTTL', key)
  local expires = record and number_in(record, 'expires')
  local idle = record and number_in(record, 'idle')
  local at, reason = past_deadline(ttl, score, expires, idle)
  if at then
    return reason, at
  elseif always then
    return asked, now
  elseif ttl ~= -2 and expires then
    mend(sid, key, user, ttl, score, expires)
    return nil
  elseif ttl ~= -2 then
    return 'lost', now -- without its record nobody can read it
  elseif asked == 'expired' and idle then
    return 'idle', now
  end
  return asked, now
end

local answers = {}
for i = 4, #ARGV, 2 do
  local sid, user = ARGV[i], KEYS[tonumber(ARGV[i + 1])]
  local key = KEYS[4 + (i - 2) / 2]
  local answer = ''
  if #sid ~= 22 or string.find(sid, '[^%w_-]') then
    redis.call('ZREM', keys.sessions, sid)
    redis.call('HDEL', keys.records, sid)
    answer = 'stray'
  else
    local record = redis.call('HGET', keys.records, sid)
    local score = time_of(redis.call('ZSCORE', keys.sessions, sid))
    local reason, at = verdict(sid, key, user, record, score)
    if reason and claim(keys, {
      sid = sid,
      key = key,
      user = user,
      record = record,
      reason = reason,
      at = at,
      deadline = record and number_in(record, 'expires') or score or now + 1209600000,
      actor = actor,
    }) then
      answer = reason
    end
  end
  answers[#answers + 1] = answer
end
return answers
