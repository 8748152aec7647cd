--! _types
-- Counts sessions, those that are just due included, and what waits in the stream; changes nothing.
-- KEYS  1 sessions, 2 audit
-- Returns how many of each
local sessions, entries = redis.pcall('ZCARD', KEYS[1]), redis.pcall('XLEN', KEYS[2])
return trouble(sessions, KEYS[1]) or trouble(entries, KEYS[2]) or { sessions, entries }
