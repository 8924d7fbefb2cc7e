import { MAX_STREAMS_PER_SESSION } from '@tmcp-sessions/core/internal';

import { LEASE_MS, PRELUDE } from './prelude.ts';

/** The first element of the reply to `OPEN` and `RESUME` if the session has ended. */
export const ENDED = 'ended';
/** The first element of the reply to `RESUME`, and the one to `OPEN_INBOX`, if there are too many. */
export const FULL = 'full';

/**
 * Registers a stream of a session, and reads what it missed. ARGV: session, stream, process, epoch and
 * channel and sequence of the last event (or empty), a new channel, the order of the stream if it was
 * registered before (or empty).
 *
 * Returns the fields of `OpenReply` in their order.
 */
export const OPEN: string = `${PRELUDE}
local session, id, process = ARGV[9], ARGV[10], ARGV[11]
local state, log = p .. 'open:' .. session, p .. 'log:' .. session
if redis.call('EXISTS', p .. 'ended:' .. session) == 1 then return { '${ENDED}' } end
redis.call('HSETNX', processes, process, '0')
local epoch = current_epoch()
expire(log, state)
expire(p .. 'log', meta)
local known = redis.call('HMGET', meta, 'newest', 'past', 'lost')
local top, since, past_epochs = tonumber(known[1] or '0'), 0, {}
local list, fields = streams_of(state)
local before, channels = fields.channels or '', words(fields.channels)
local after = tonumber(ARGV[14] ~= '' and ARGV[14] or '-1')
local is_past = false
for _, each in ipairs(words(known[2])) do
  local name, last = string.match(each, '^(.+):(%d+)$')
  since = tonumber(last)
  past_epochs[#past_epochs + 1] = name
  is_past = is_past or name == ARGV[12]
  if is_past then after = math.min(after, since) end
end
local resumed = contains(channels, ARGV[13]) and after >= 0
  and (is_past or (ARGV[12] == epoch and after <= top))
-- A failover may have lost the epoch of a held stream as a whole: everything in this epoch is new to it.
local is_lost = not resumed and ARGV[16] ~= '' and after >= 0 and ARGV[12] ~= epoch
if is_lost and not is_past then after = since end

local own = { id = id, process = process, superseded = false }
own.order = tonumber(ARGV[16]) or redis.call('HINCRBY', state, 'order', 1)
local open = {}
for _, each in ipairs(list) do
  if each.id == id then own.channel, own.order, own.superseded = each.channel, each.order, each.superseded
  elseif alive(each.process) then open[#open + 1] = each
  else redis.call('HDEL', state, 's:' .. each.id) end
end
if not own.channel and resumed then own.channel = ARGV[13] end
if not own.channel then
  local channel = tonumber(ARGV[15])
  if #channels > 0 then channel = math.max(channel, tonumber(channels[#channels]) + 1) end
  own.channel = string.format('%.0f', channel)
  channels[#channels + 1] = own.channel
  fields.channels = table.concat(channels, ' ')
  redis.call('HSET', state, 'channels', fields.channels)
end
for _, each in ipairs(open) do
  if each.channel == own.channel then
    if each.order > own.order then own.superseded = true
    elseif not each.superseded then
      each.superseded = true
      save_stream(state, each)
    end
  end
end
save_stream(state, own)
redis.call('PEXPIRE', state, ${LEASE_MS})
while #open >= ${MAX_STREAMS_PER_SESSION} do
  local oldest = 1
  for index, each in ipairs(open) do
    local other = open[oldest]
    local is_older = each.superseded == other.superseded and (tonumber(each.channel) < tonumber(other.channel)
      or (each.channel == other.channel and each.order < other.order))
    if is_older or (each.superseded and not other.superseded) then oldest = index end
  end
  local removed = table.remove(open, oldest)
  redis.call('HDEL', state, 's:' .. removed.id)
  tell(removed.process, '["e","' .. session .. '","' .. removed.id .. '"]')
end
elect(session, state, top + 1)

local now_known = redis.call('HMGET', state, 'changes', 'lost', 'version', 'current')
local from = (resumed or is_lost) and string.format('%.0f', after)
return { 'open', epoch, tostring(top), table.concat(past_epochs, ' '), from or '', own.channel, tostring(own.order),
  now_known[3] or '0', now_known[4] == id .. ' ' .. process and '1' or '0', resumed and '1' or '0', before,
  now_known[1] or '', now_known[2] or '0', known[3] or '0',
  from and range(log, from) or {}, from and range(p .. 'log', from) or {} }`;

/** Removes a stream of a session. ARGV: session, stream. */
export const CLOSE: string = `${PRELUDE}
local state = p .. 'open:' .. ARGV[9]
if redis.call('HDEL', state, 's:' .. ARGV[10]) == 0 then return 0 end
elect(ARGV[9], state, newest() + 1)
if #streams_of(state) == 0 then redis.call('PEXPIRE', state, age) end
return 1`;

/** Whether a session has an open stream that a process holds. ARGV: session. */
export const HAS_STREAM: string = `${PRELUDE}
for _, each in ipairs(streams_of(p .. 'open:' .. ARGV[9])) do
  if not each.superseded and listens(each.process) then return 1 end
end
return 0`;

/** Ends the streams of a session, and deletes what they could be resumed from. ARGV: session. */
export const END_SESSION: string = `${PRELUDE}
local session = ARGV[9]
local state, resumes, calls = p .. 'open:' .. session, p .. 'resumes:' .. session, p .. 'calls:' .. session
redis.call('SET', p .. 'ended:' .. session, '1', 'PX', age)
local holders = {}
for _, each in ipairs(streams_of(state)) do holders[each.process] = true end
for _, each in ipairs(redis.call('HVALS', resumes)) do holders[string.match(each, '^%S+')] = true end
for process in pairs(holders) do tell(process, '["E","' .. session .. '"]') end
for _, call in ipairs(redis.call('ZRANGE', calls, 0, -1)) do
  redis.call('DEL', p .. 'call:' .. session .. ':' .. call)
end
redis.call('DEL', state, resumes, calls, p .. 'sizes:' .. session, p .. 'log:' .. session)
return 1`;

/**
 * Stores messages and publishes them. ARGV: process, number of the batch, then for each message its
 * kind (\`a\` to all sessions, \`s\` to some, \`n\` for a notification to subscriptions), its text as JSON,
 * the number of sessions and the sessions. Publishes to the processes that hold a receiver only.
 */
export const SEND: string = `${PRELUDE}
local sent = p .. 'sent:' .. ARGV[9]
if tonumber(redis.call('GET', sent) or '0') >= tonumber(ARGV[10]) then return 0 end
redis.call('SET', sent, ARGV[10], 'PX', ${LEASE_MS})
local epoch = current_epoch()
local function tell_all(event)
  for _, process in ipairs(redis.call('HKEYS', processes)) do tell(process, event) end
end
local function head(sequence) return '["m","' .. epoch .. '",' .. string.format('%.0f', sequence) .. ',' end
local function send_to_all(text)
  local sequence = redis.call('HINCRBY', meta, 'newest', 1)
  append(p .. 'log', meta, sequence, text)
  tell_all(head(sequence) .. 'null,' .. text .. ']')
end
local function send_to(sessions, text)
  local sequence, receivers = nil, {}
  for _, session in ipairs(sessions) do
    local state = p .. 'open:' .. session
    local known = redis.call('HMGET', state, 'channels', 'current')
    if known[1] then
      sequence = sequence or redis.call('HINCRBY', meta, 'newest', 1)
      append(p .. 'log:' .. session, state, sequence, text)
      local id, process = string.match(known[2] or '', '^(%S+) (.+)$')
      if id and not alive(process) then
        local best = elect(session, state, sequence)
        id, process = best and best.id, best and best.process
      end
      if id then
        local list = receivers[process] or {}
        list[#list + 1] = '["' .. session .. '","' .. id .. '"]'
        receivers[process] = list
      end
    end
  end
  for process, list in pairs(receivers) do
    tell(process, head(sequence) .. '[' .. table.concat(list, ',') .. '],' .. text .. ']')
  end
end
local index = 11
while index <= #ARGV do
  local kind, text, count = ARGV[index], ARGV[index + 1], tonumber(ARGV[index + 2])
  local sessions = {}
  for offset = 1, count do sessions[offset] = ARGV[index + 2 + offset] end
  if kind == 'a' then send_to_all(text)
  elseif kind == 'n' then tell_all('["n",' .. text .. ']')
  else send_to(sessions, text) end
  index = index + 3 + count
end
return 1`;

/** Registers a process, which has subscribed to its channel. ARGV: process. */
export const HELLO: string = `${PRELUDE}
redis.call('HSET', processes, ARGV[9], '0')
return 1`;

/** Removes a process that holds nothing. ARGV: process. */
export const GOODBYE: string = `${PRELUDE}
redis.call('HDEL', processes, ARGV[9])
return 1`;

/** Extends the lease of what a process holds. ARGV: process, keys. Returns whether it is subscribed. */
export const RENEW: string = `${PRELUDE}
for index = 10, #ARGV do redis.call('PEXPIRE', p .. ARGV[index], ${LEASE_MS}, 'GT') end
return listens(ARGV[9]) and 1 or 0`;
