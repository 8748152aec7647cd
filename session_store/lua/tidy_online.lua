--! _now _types _window _stale _online
-- Forgets who was not seen for long, and notes how many are online: for the peak and the last day's history.
-- KEYS  1 members, 2 hidden, 3 names, 4 state, 5 guests seen, 6 guests full, 7 the first of the guests' slices, the others
--       of all rings after it, then for bots the same as for guests; the last: history
-- ARGV  1 the window in ms, or '': the one that the site has noted, 2 how many of a kind to forget at most,
--       3 ms for which a note of another counts as fresh, 4 ms of a step of the history, 5 how many steps it has
-- Returns how many were forgotten; 'fresh' where somebody else did it just now; 'unused' where the window is not known;
--         another text where a key is of the wrong type, and no error: what this travels with must not fail for it
local wrong = wrong_type({ { KEYS[1], 'zset' }, { KEYS[2], 'zset' }, { KEYS[3], 'hash' }, { KEYS[4], 'hash' },
  { KEYS[5], 'zset' }, { KEYS[#KEYS], 'hash' } })
if wrong then
  return wrong.err
end
local now, window = now_ms(), window_of(KEYS[4], ARGV[1])
local noted = tonumber(redis.call('HGET', KEYS[4], 'noted') or nil)
if not window then
  return 'unused'
elseif noted and noted <= now and now - noted < tonumber(ARGV[3]) then
  return 'fresh'
end

local forgotten = 0
for _, i in ipairs({ 1, 2, 5, 55 }) do
  local key = KEYS[i]
  local stale = take_stale(key, now, window, tonumber(ARGV[2]))
  if #stale > 0 and i <= 2 then
    redis.call('HDEL', KEYS[3], unpack(stale))
  end
  forgotten = forgotten + #stale
end

-- To others, who hides is a guest.
local members = seen_within(KEYS[1], now, window)
local others = seen_within(KEYS[2], now, window) + crowd_within(KEYS, 5, now, window)
local peak = tonumber(string.match(redis.call('HGET', KEYS[4], 'peak') or '', '^(%d+) '))
if members + others > (peak or 0) then
  redis.call('HSET', KEYS[4], 'peak', string.format('%.0f %.0f', members + others, now))
end
redis.call('HSET', KEYS[4], 'noted', now)

local step = math.floor(now / ARGV[4])
local field = string.format('%.0f', step % ARGV[5])
local at, m, o = string.match(redis.call('HGET', KEYS[#KEYS], field) or '', '^(%d+) (%d+) (%d+)$')
if tonumber(at) ~= step or m + o < members + others then
  redis.call('HSET', KEYS[#KEYS], field, string.format('%.0f %.0f %.0f', step, members, others))
end
redis.call('PEXPIRE', KEYS[#KEYS], ARGV[4] * ARGV[5])
return forgotten
