"""The simulator's Lua. Each script is one atomic call; all answer nil while the engine is unreachable.

KEYS: containers, specs, knobs, lies (`simulated_store.Keys.all`). A container is the text
"created_at running_at ends_at exit_code stop_at" (`simulated_store.Life`), in microseconds, "-" for none.
"""

_CLOCK = """
local function text(number) return string.format('%.0f', number) end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2] + (redis.call('HGET', KEYS[3], 'clock_offset') or 0)
local unreachable_until = redis.call('HGET', KEYS[3], 'unreachable_until')
if unreachable_until and tonumber(unreachable_until) > now then return false end
local function life(stored) return string.match(stored, '^(%S+) (%S+) (%S+) (%S+) (%S+)$') end
"""

CHECK = (
    _CLOCK
    + """
return {text(now), redis.call('HLEN', KEYS[1])}
"""
)

# ARGV: the connection's start_seconds (as microseconds) and exit_code, then for each its name, how long it
# lasts (microseconds, "-": until stopped) and its spec.
START = (
    _CLOCK
    + """
local starts = KEYS[1] .. ':starts:' .. text(math.floor(now / 86400000000))
local running_at = now + (redis.call('HGET', KEYS[3], 'start_microseconds') or ARGV[1])
for i = 3, #ARGV, 3 do
  local name, lasts = ARGV[i], ARGV[i + 1]
  local ends_at = '-'
  if lasts ~= '-' then ends_at = text(running_at + lasts) end
  local stored = table.concat({text(now), text(running_at), ends_at, ARGV[2], '-'}, ' ')
  if redis.call('HSETNX', KEYS[1], name, stored) == 1 then
    redis.call('HSET', KEYS[2], name, ARGV[i + 2])
    redis.call('HINCRBY', starts, name, 1)
    redis.call('EXPIRE', starts, 172800)
  end
end
return 1
"""
)

# ARGV: the connection's stop_seconds (as microseconds), then for each its name and its grace in microseconds.
# A first stop ends it after what stopping takes, at most the grace; a later one only kills it sooner.
STOP = (
    _CLOCK
    + """
local takes = tonumber(redis.call('HGET', KEYS[3], 'stop_microseconds') or ARGV[1])
for i = 2, #ARGV, 2 do
  local stored, grace = redis.call('HGET', KEYS[1], ARGV[i]), tonumber(ARGV[i + 1])
  if stored then
    local created_at, running_at, ends_at, exit_code, stop_at = life(stored)
    if ends_at == '-' or tonumber(ends_at) > now then
      local stopped_at, code = now + grace, '137'
      if stop_at == '-' then
        stop_at = text(now)
        if takes <= grace then stopped_at, code = now + takes, '143' end
      end
      if ends_at == '-' or stopped_at < tonumber(ends_at) then
        ends_at, exit_code = text(stopped_at), code
      end
      redis.call('HSET', KEYS[1], ARGV[i],
        table.concat({created_at, running_at, ends_at, exit_code, stop_at}, ' '))
    end
  end
end
return 1
"""
)

# ARGV: for how many microseconds an ended container is kept. All in one text, which a client reads much faster than
# a list.
OBSERVE = (
    _CLOCK
    + """
local all, kept = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #all, 2 do
  local _, _, ends_at = life(all[i + 1])
  if ends_at ~= '-' and now - ends_at > tonumber(ARGV[1]) then
    for _, key in ipairs({KEYS[1], KEYS[2], KEYS[4]}) do redis.call('HDEL', key, all[i]) end
  else
    kept[#kept + 1] = all[i]
    kept[#kept + 1] = all[i + 1]
  end
end
return {text(now), table.concat(kept, '\\n'), redis.call('HGETALL', KEYS[4])}
"""
)

# ARGV: the name.
READ = (
    _CLOCK
    + """
return {text(now), redis.call('HGET', KEYS[1], ARGV[1]), redis.call('HGET', KEYS[2], ARGV[1])}
"""
)

# ARGV: the names.
REMOVE = (
    _CLOCK
    + """
for _, name in ipairs(ARGV) do
  for _, key in ipairs({KEYS[1], KEYS[2], KEYS[4]}) do redis.call('HDEL', key, name) end
end
return 1
"""
)
