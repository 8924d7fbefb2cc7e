/*
 * Lua scripts, which Redis runs atomically. Each may be sent again after a lost response: it then changes
 * nothing that it has changed before. Times are milliseconds since the epoch by the caller's clock.
 *
 * A script builds its keys from the prefix, whose hash tag puts all of them into one slot of a cluster.
 * `<S>` is a session id, URI encoded; `<P>` the id of a process.
 *
 *     streams          hash: newest sequence, epochs and instance of the log, its bytes and losses
 *     log              stream of the messages to all sessions, by sequence
 *     log:<S>          stream of the messages to one session, by the same sequence
 *     open:<S>         hash: the open streams of a session and the history of its channels
 *     resumes:<S>      hash: the streams that resume calls
 *     calls:<S>        sorted set of the calls with stored events, by time
 *     sizes:<S>        hash: the bytes of the stored events of each call, and of all (`*`)
 *     call:<S>:<call>  stream of the events of a call, by their sequence
 *     inboxes:<S>      hash: the inboxes of the calls in flight
 *     absent:<S>       hash: the calls that had no inbox when a message was delivered, with the time of the first attempt
 *     ended:<S>        mark of an ended session
 *     processes        hash: the processes that listen, with the time since which one is unreachable
 *     sent:<P>         the number of the last batch that a process has sent
 *
 * A process listens on the channel `to:<P>` to events, which are JSON arrays.
 */

/**
 * How long the state of open streams and inboxes lives if their process does not renew it. Long, because
 * each renewal is a command for each stream, which Upstash bills.
 */
export const LEASE_MS: number = 24 * 60 * 60 * 1_000;
/** After this time without a subscriber, a process counts as dead. */
const DEAD_MS = 30_000;
const MAX_CHANNELS = 32;
const MAX_CHANGES = 128;
const MAX_EPOCHS = 32;

/** Defines what scripts share. ARGV 1 to 8 are those of `scriptArguments`. */
export const PRELUDE: string = `
local p, publish, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local meta, processes = p .. 'streams', p .. 'processes'
local age, max_messages, max_bytes = ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])

local function alive(process) return redis.call('HEXISTS', processes, process) == 1 end

local function listens(process)
  local command = publish == 'SPUBLISH' and 'SHARDNUMSUB' or 'NUMSUB'
  return redis.call('PUBSUB', command, p .. 'to:' .. process)[2] > 0
end

local function tell(process, event)
  if redis.call(publish, p .. 'to:' .. process, event) > 0 then return true end
  local since = tonumber(redis.call('HGET', processes, process) or '-1')
  if since == 0 then redis.call('HSET', processes, process, ARGV[3])
  elseif since > 0 and now - since > ${DEAD_MS} then redis.call('HDEL', processes, process) end
  return false
end

-- Returns the epoch of the log. Another instance of Redis may have lost messages: it begins a new epoch.
local function current_epoch()
  local known = redis.call('HMGET', meta, 'epoch', 'instance', 'newest', 'past')
  if known[1] and ARGV[5] == '0' then return known[1] end
  local info = ARGV[5] == '1' and redis.pcall('INFO', 'server')
  local instance = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or '-'
  if known[1] and known[2] == instance then return known[1] end
  redis.call('HSET', meta, 'epoch', ARGV[4], 'instance', instance)
  if not known[1] then return ARGV[4] end
  -- The epochs before, each with the newest sequence that this Redis has of it.
  local past = {}
  for word in string.gmatch(known[4] or '', '%S+') do past[#past + 1] = word end
  past[#past + 1] = known[1] .. ':' .. (known[3] or '0')
  redis.call('HSET', meta, 'past', table.concat(past, ' ', math.max(1, #past - ${MAX_EPOCHS - 1})))
  return ARGV[4]
end

local function newest() return tonumber(redis.call('HGET', meta, 'newest') or '0') end

local function words(text)
  local list = {}
  for word in string.gmatch(text or '', '%S+') do list[#list + 1] = word end
  return list
end

local function contains(list, word)
  for _, each in ipairs(list) do if each == word then return true end end
  return false
end

-- Returns the open streams of a session and its other fields.
local function streams_of(state)
  local flat, list, fields = redis.call('HGETALL', state), {}, {}
  for index = 1, #flat, 2 do
    local id = string.match(flat[index], '^s:(.+)$')
    if id then
      local channel, order, superseded, process = string.match(flat[index + 1], '^(%d+) (%d+) ([01]) (.+)$')
      list[#list + 1] = { id = id, channel = channel, order = tonumber(order),
        superseded = superseded == '1', process = process }
    else fields[flat[index]] = flat[index + 1] end
  end
  return list, fields
end

local function save_stream(state, stream)
  redis.call('HSET', state, 's:' .. stream.id, stream.channel .. ' ' .. stream.order .. ' '
    .. (stream.superseded and '1' or '0') .. ' ' .. stream.process)
end

-- Assigns the messages of a session to a channel, from a sequence on.
local function assign(state, fields, channel, from)
  local channels, changes, lost = words(fields.channels), words(fields.changes), tonumber(fields.lost or '0')
  local last = changes[#changes]
  if last and string.match(last, ':(%d+)$') == channel then return end
  local kept = {}
  for _, change in ipairs(changes) do
    if tonumber(string.match(change, '^%d+')) < from then kept[#kept + 1] = change end
  end
  kept[#kept + 1] = string.format('%.0f', from) .. ':' .. channel
  local first = math.max(1, #kept - ${MAX_CHANGES - 1})
  if first > 1 then lost = math.max(lost, tonumber(string.match(kept[first], '^%d+')) - 1) end
  local recent = {}
  for index = math.max(1, #channels - ${MAX_CHANNELS - 1}), #channels do recent[#recent + 1] = channels[index] end
  if not contains(recent, channel) then recent[1] = channel end
  redis.call('HSET', state, 'channels', table.concat(recent, ' '),
    'changes', table.concat(kept, ' ', first), 'lost', string.format('%.0f', lost))
end

-- Makes the newest stream of a session the current one, from a sequence on, and tells both processes.
local function elect(session, state, from)
  local list, fields = streams_of(state)
  local best
  for _, each in ipairs(list) do
    if not each.superseded and alive(each.process)
      and (not best or tonumber(each.channel) > tonumber(best.channel)) then best = each end
  end
  local chosen = best and best.id .. ' ' .. best.process
  if chosen ~= fields.current then
    local version = redis.call('HINCRBY', state, 'version', 1)
    local function notify(current, is_current)
      local id, process = string.match(current, '^(%S+) (.+)$')
      tell(process, '["c","' .. session .. '","' .. id .. '",' .. version .. ',' .. is_current .. ']')
    end
    if fields.current then notify(fields.current, '0') end
    if chosen then
      redis.call('HSET', state, 'current', chosen)
      notify(chosen, '1')
    else redis.call('HDEL', state, 'current') end
  end
  if best then assign(state, fields, best.channel, from) end
  return best
end

-- Removes the oldest entries of a log that exceed its bounds or are older than a time, and notes the loss.
local function cut(log, hash, since)
  local bytes, length, lost = tonumber(redis.call('HGET', hash, 'bytes') or '0'), redis.call('XLEN', log), nil
  while length > 0 do
    local entry = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    local at, size = tonumber(entry[2][2]), tonumber(entry[2][4])
    if length <= max_messages and bytes <= max_bytes and at >= since then break end
    redis.call('XDEL', log, entry[1])
    length, bytes, lost = length - 1, bytes - size, string.match(entry[1], '^%d+')
  end
  if lost then redis.call('HSET', hash, 'bytes', bytes, 'lost', lost) end
end

-- Adds a message to a log, whose size and last sequence are in a hash.
local function append(log, hash, sequence, frame)
  redis.call('XADD', log, string.format('%.0f-0', sequence), 't', ARGV[3], 'b', #frame, 'f', frame)
  local bytes = redis.call('HINCRBY', hash, 'bytes', #frame)
  redis.call('HSET', hash, 'last', string.format('%.0f', sequence))
  redis.call('PEXPIRE', log, age)
  if bytes > max_bytes or redis.call('XLEN', log) > max_messages then cut(log, hash, 0) end
end

-- Removes what is too old. A log that Redis has removed as a whole has lost all of its messages.
local function expire(log, hash)
  if redis.call('EXISTS', log) == 1 then return cut(log, hash, now - tonumber(age)) end
  local last = redis.call('HGET', hash, 'last')
  if last then redis.call('HSET', hash, 'bytes', 0, 'lost', last) end
end

-- Returns the entries after a sequence: sequence and frame in turn.
local function range(log, after)
  local list = {}
  for _, entry in ipairs(redis.call('XRANGE', log, '(' .. after .. '-0', '+')) do
    list[#list + 1] = string.match(entry[1], '^%d+')
    list[#list + 1] = entry[2][6]
  end
  return list
end
`;
