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

-- Returns the reason and the time of the end, or nothing where the session lives on. A deadline that has passed outweighs
-- what the caller asks for: the session had ended by then. Of the two deadlines the earlier one counts, but a key that
-- still lives has outlived the sorted set's.
local function verdict(record, ttl, score, expires)
  if ttl == 0 or (expires and expires <= now) or (score and score <= now and ttl <= 0) then
    local at = math.min(ttl <= 0 and score or now, expires or now)
    return (expires and at < expires and number_in(record, 'idle')) and 'idle' or 'expired', at
  elseif always then
    return asked, now
  elseif ttl ~= -2 and expires then
    return nil
  elseif ttl ~= -2 then
    return 'lost', now -- without its record nobody can read it
  elseif asked == 'expired' and record and number_in(record, 'idle') then
    return 'idle', now
  end
  return asked, now
end

-- Where memory is short Redis may refuse this; the next look mends it.
local function mend(sid, key, user, ttl, score, expires)
  local deadline = math.min(ttl > 0 and now + ttl or score or expires, expires)
  if ttl == -1 or now + ttl > deadline + 1 then
    redis.pcall('PEXPIREAT', key, deadline)
  end
  if not score or math.abs(score - deadline) > 1 then
    redis.pcall('ZADD', keys.sessions, deadline, sid)
  end
  if user then
    redis.pcall('SADD', user, sid)
  end
end

local sids, answers, claims, living, strays, seen = {}, {}, no_claims(), {}, {}, {}
for i = 4, #ARGV, 2 do
  sids[i / 2 - 1] = ARGV[i]
end
if #sids == 0 then
  return answers
end
local records = redis.call('HMGET', keys.records, unpack(sids))
local scores = redis.call('ZMSCORE', keys.sessions, unpack(sids))
-- All at once, as a look at each costs more.
local all_names = not string.find(table.concat(sids), '[^%w_-]')
for i, sid in ipairs(sids) do
  local answer = ''
  if #sid ~= 22 or not all_names and string.find(sid, '[^%w_-]') then
    strays[#strays + 1] = sid
    answer = 'stray'
  elseif not seen[sid] then
    seen[sid] = true
    local key, user, record = KEYS[4 + i], KEYS[tonumber(ARGV[3 + 2 * i])], records[i]
    local score, expires = time_of(scores[i]), record and number_in(record, 'expires')
    local ttl, reason, at
    if expires and expires <= now and score and score >= expires then
      reason, at = 'expired', expires -- whatever the key says: it is not looked at
    else
      ttl = redis.call('PTTL', key)
      reason, at = verdict(record, ttl, score, expires)
    end
    if not reason then
      living[#living + 1] = { sid, key, user, ttl, score, expires }
    elseif ttl ~= -2 or record or scores[i] then
      local deadline = expires or score or now + 1209600000
      add_claim(claims, sid, key, user, record or '', reason, at, deadline, tonumber(scores[i]) == at and scores[i])
      answer = reason
    end
  end
  answers[i] = answer
end
claim(keys, claims, actor)
if #strays > 0 then
  redis.call('ZREM', keys.sessions, unpack(strays))
  redis.call('HDEL', keys.records, unpack(strays))
end
for _, one in ipairs(living) do
  mend(unpack(one, 1, 6))
end
return answers
