import { MAX_CALLS_PER_SESSION } from '@tmcp-sessions/core/internal';

import { LEASE_MS, PRELUDE } from './prelude.ts';
import { ENDED, FULL } from './stream-scripts.ts';

/** A call that no inbox serves for this long is lost: an inbox takes less to reconnect. */
const LOST_MS = 20_000;

/**
 * Registers a stream that resumes a call, and reads the events that it missed. ARGV: session, stream,
 * process, call, the last sequence that its client has seen. Returns `resumed` and the entries of the
 * call: id, name and value in turn.
 */
export const RESUME: string = `${PRELUDE}
local session, id, process, call = ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local resumes, key = p .. 'resumes:' .. session, p .. 'call:' .. session .. ':' .. call
if redis.call('EXISTS', p .. 'ended:' .. session) == 1 then return { '${ENDED}' } end
redis.call('HSETNX', processes, process, '0')
if redis.call('HLEN', resumes) >= ${MAX_CALLS_PER_SESSION} and redis.call('HEXISTS', resumes, id) == 0 then
  local flat = redis.call('HGETALL', resumes)
  for index = 1, #flat, 2 do
    if not alive(string.match(flat[index + 1], '^%S+')) then redis.call('HDEL', resumes, flat[index]) end
  end
  if redis.call('HLEN', resumes) >= ${MAX_CALLS_PER_SESSION} then return { '${FULL}' } end
end
redis.call('HSET', resumes, id, process .. ' ' .. call)
redis.call('PEXPIRE', resumes, ${LEASE_MS})
local list = { 'resumed' }
for _, entry in ipairs(redis.call('XRANGE', key, ARGV[13] .. '-1', '+')) do
  list[#list + 1] = entry[1]
  list[#list + 1] = entry[2][2]
end
return list`;

/** Removes a stream that resumed a call. ARGV: session, stream. */
export const CLOSE_RESUMED: string = `${PRELUDE}
return redis.call('HDEL', p .. 'resumes:' .. ARGV[9], ARGV[10])`;

/**
 * Stores those events of a call that are not stored yet, and publishes them to the processes that hold
 * streams of the call. ARGV: session, call, sequence of the first frame, whether the call is complete,
 * frames as JSON. A frame has the id \`<sequence>-0\`, the end of the call \`<last sequence>-1\`. Removes
 * the oldest calls of the session, and then the oldest frames of this one, beyond the bounds.
 */
export const KEEP: string = `${PRELUDE}
local session, call, first, complete = ARGV[9], ARGV[10], tonumber(ARGV[11]), ARGV[12] == '1'
local key, calls, resumes = p .. 'call:' .. session .. ':' .. call, p .. 'calls:' .. session, p .. 'resumes:' .. session
local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
local stored = first - 1
if last then
  local sequence, kind = string.match(last[1], '^(%d+)-(%d+)$')
  if kind == '1' then return 0 end
  stored = math.max(stored, tonumber(sequence))
end
local added, bytes = {}, 0
for index = 13, #ARGV do
  local sequence = first + index - 13
  if sequence > stored then
    redis.call('XADD', key, string.format('%.0f-0', sequence), 'f', ARGV[index])
    added[#added + 1] = ARGV[index]
    bytes = bytes + #ARGV[index]
  end
end
local from = math.max(stored + 1, first)
if complete then
  local final = math.max(stored, first + #ARGV - 13)
  redis.call('XADD', key, string.format('%.0f-1', final), 'e', '1')
elseif #added == 0 then return 0 end
redis.call('PEXPIRE', key, age)
redis.call('ZADD', calls, now, call)
local sizes = p .. 'sizes:' .. session
local function resize(each, change)
  redis.call('HINCRBY', sizes, each, change)
  return redis.call('HINCRBY', sizes, '*', change)
end
local total = resize(call, bytes)
local function forget(each)
  redis.call('DEL', p .. 'call:' .. session .. ':' .. each)
  redis.call('ZREM', calls, each)
  total = resize(each, -tonumber(redis.call('HGET', sizes, each) or '0'))
  redis.call('HDEL', sizes, each)
end
for _, each in ipairs(redis.call('ZRANGEBYSCORE', calls, '-inf', '(' .. (now - tonumber(age)))) do forget(each) end
local count = redis.call('ZCARD', calls)
while count > 1 and (count > ${MAX_CALLS_PER_SESSION} or total > max_bytes) do
  local oldest = redis.call('ZRANGE', calls, 0, 1)
  forget(oldest[1] == call and oldest[2] or oldest[1])
  count = count - 1
end
local length = redis.call('XLEN', key)
while length > 1 and total > max_bytes do
  local entry = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
  redis.call('XDEL', key, entry[1])
  total = resize(call, -#entry[2][2])
  length = length - 1
end
redis.call('PEXPIRE', calls, age)
redis.call('PEXPIRE', sizes, age)
local event = '["k","' .. session .. '","' .. call .. '",' .. string.format('%.0f', from) .. ','
  .. (complete and 'true' or 'false') .. ',[' .. table.concat(added, ',') .. ']]'
local told = {}
local streams = redis.call('HGETALL', resumes)
for index = 1, #streams, 2 do
  local process, resumed = string.match(streams[index + 1], '^(%S+) (.+)$')
  if resumed == call then
    if not told[process] then tell(process, event) end
    told[process] = true
    -- The stream ends with the call: another one may take its place at once.
    if complete then redis.call('HDEL', resumes, streams[index]) end
  end
end
return 1`;

/** Registers an inbox. ARGV: session, inbox, process, call (or empty). */
export const OPEN_INBOX: string = `${PRELUDE}
local session, id, process, call = ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local inboxes = p .. 'inboxes:' .. session
redis.call('HSETNX', processes, process, '0')
if redis.call('HLEN', inboxes) >= ${MAX_CALLS_PER_SESSION} and redis.call('HEXISTS', inboxes, id) == 0 then
  local flat = redis.call('HGETALL', inboxes)
  for index = 1, #flat, 2 do
    if not alive(string.match(flat[index + 1], '^%S+')) then redis.call('HDEL', inboxes, flat[index]) end
  end
  if redis.call('HLEN', inboxes) >= ${MAX_CALLS_PER_SESSION} then return '${FULL}' end
end
redis.call('HSET', inboxes, id, process .. ' ' .. call)
redis.call('PEXPIRE', inboxes, ${LEASE_MS})
if call ~= '' then redis.call('HDEL', p .. 'absent:' .. session, call) end
return 'open'`;

/** Removes an inbox. ARGV: session, inbox. */
export const CLOSE_INBOX: string = `${PRELUDE}
return redis.call('HDEL', p .. 'inboxes:' .. ARGV[9], ARGV[10])`;

/**
 * Publishes a message to the inboxes of a session, or of one call. ARGV: session, id of the delivery,
 * message as JSON, call (or empty). Returns the number of inboxes that received it. With a call, 0 only
 * if the call is lost.
 */
export const DELIVER: string = `${PRELUDE}
local session, delivery, text, call = ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local inboxes, holders = redis.call('HGETALL', p .. 'inboxes:' .. session), {}
for index = 1, #inboxes, 2 do
  local process, of = string.match(inboxes[index + 1], '^(%S+) (.*)$')
  if call == '' or of == call then
    local list = holders[process] or {}
    list[#list + 1] = '"' .. inboxes[index] .. '"'
    holders[process] = list
  end
end
local received = 0
for process, list in pairs(holders) do
  local event = '["i","' .. delivery .. '",[' .. table.concat(list, ',') .. '],' .. text .. ']'
  if tell(process, event) then received = received + #list end
end
if received > 0 or call == '' then return received end
local last = redis.call('XREVRANGE', p .. 'call:' .. session .. ':' .. call, '+', '-', 'COUNT', 1)[1]
if last and string.match(last[1], '-1$') then return 1 end
local absent = p .. 'absent:' .. session
local since = tonumber(redis.call('HGET', absent, call) or '0')
if since > 0 then return now - since >= ${LOST_MS} and 0 or 1 end
if redis.call('HLEN', absent) >= ${MAX_CALLS_PER_SESSION} then redis.call('DEL', absent) end
redis.call('HSET', absent, call, ARGV[3])
redis.call('PEXPIRE', absent, age)
return 1`;
