/*
 * Lua scripts, which Redis runs atomically. Each may be sent again after a lost response: it then changes
 * nothing that it has changed before. Times are milliseconds since the epoch by the caller's clock.
 *
 * A script builds its keys from the prefix, whose hash tag puts all of them into one slot of a cluster.
 * Each key expires with its task.
 *
 *     task:<name>           hash: the fields of the record as JSON, the call, and the state of its run
 *     task-steps:<name>     hash: the completed steps by their names
 *     task-watchers:<name>  set of the processes that observe the task
 *     task-owner:<hash>     sorted set of the tasks of a principal, or of a session without one, by their expiry
 *     task-running:<hash>   the same of those that have not ended
 *     task-session:<hash>   the same of the tasks of a session
 *
 * Fields of the run: `phase` (queued; running; waiting, for a time or the client; woken, by the client),
 * `wake` (the number of the job that may run the call), `lease` (the run that may write), `starts`,
 * `interruptions`, `journal`, `due` (when a waiting call continues), `answered` and `seen` (the number of
 * responses of the client, and of those that the call had when it began to wait).
 *
 * A process observes its tasks on the channel `task-to:<process>`.
 */

/** Defines what scripts share. ARGV 1 to 4 are the prefix, the name, the time and the command to publish. */
const PRELUDE = `
local p, name, now, publish = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local task, steps, watchers = p .. 'task:' .. name, p .. 'task-steps:' .. name, p .. 'task-watchers:' .. name
local fields = { 'revision', 'status', 'statusMessage', 'progress', 'updatedAtMs', 'attempts', 'inputs', 'result', 'error' }

local function live()
  local expires = redis.call('HGET', task, 'expires')
  return expires and tonumber(expires) > now
end

-- Returns the record as JSON. Values stay texts: Lua's JSON turns [] into {} and rounds numbers.
local function record()
  local values = redis.call('HMGET', task, 'base', unpack(fields))
  local parts = { string.sub(values[1], 1, -2) }
  for index, field in ipairs(fields) do
    if values[index + 1] then parts[#parts + 1] = ',"' .. field .. '":' .. values[index + 1] end
  end
  return table.concat(parts) .. '}'
end

local function holds(lease)
  local run = redis.call('HMGET', task, 'phase', 'lease')
  return run[1] == 'running' and run[2] == lease
end

local function has_ended() return redis.call('HEXISTS', task, 'ended') == 1 end

local function last_as_long_as_task(key) redis.call('PEXPIRE', key, redis.call('PTTL', task)) end

local function last_at_least(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, ms) end
end

local function forget_expired(hash)
  redis.call('ZREMRANGEBYSCORE', p .. 'task-owner:' .. hash, '-inf', now)
  redis.call('ZREMRANGEBYSCORE', p .. 'task-running:' .. hash, '-inf', now)
end

local function add_to(key, expires)
  redis.call('ZADD', key, expires, name)
  last_at_least(key, math.ceil(expires - now))
end

local function tell_watchers()
  local list = redis.call('SMEMBERS', watchers)
  if #list == 0 then return end
  local text = record()
  for _, process in ipairs(list) do
    -- A process that has lost its subscription observes the task again when it has another one.
    if redis.call(publish, p .. 'task-to:' .. process, text) == 0 then redis.call('SREM', watchers, process) end
  end
end
`;

/**
 * Arguments: base, call, expiry, hash of the owner or '', hash of the session or '', limits or '', fields and
 * values in turn.
 */
export const CREATE: string = `${PRELUDE}
local expires, hash, session, running, stored = tonumber(ARGV[7]), ARGV[8], ARGV[9], ARGV[10], ARGV[11]
if redis.call('EXISTS', task) == 1 or expires <= now then return '' end
if hash ~= '' then
  forget_expired(hash)
  if stored ~= '' and redis.call('ZCARD', p .. 'task-owner:' .. hash) >= tonumber(stored) then return 'stored' end
  if running ~= '' and redis.call('ZCARD', p .. 'task-running:' .. hash) >= tonumber(running) then return 'running' end
end
redis.call('HSET', task, 'base', ARGV[5], 'call', ARGV[6], 'expires', ARGV[7], 'owner', hash,
  'phase', 'queued', 'wake', 1, 'starts', 0, 'interruptions', 0, 'answered', 0, 'seen', 0, 'due', '', unpack(ARGV, 12))
redis.call('PEXPIRE', task, math.ceil(expires - now))
if hash ~= '' then
  add_to(p .. 'task-owner:' .. hash, expires)
  add_to(p .. 'task-running:' .. hash, expires)
end
if session ~= '' then
  redis.call('HSET', task, 'of', session)
  add_to(p .. 'task-session:' .. session, expires)
end
return ''
`;

/** Returns the record, or nil. */
export const READ: string = `${PRELUDE}
return live() and record() or nil
`;

/** Returns the call, or nil. */
export const READ_CALL: string = `${PRELUDE}
return live() and redis.call('HGET', task, 'call') or nil
`;

/**
 * Arguments: revision, id of the write, lease or '', '1' if the task ends, fields and values in turn.
 * Returns the record, nil if nothing was changed, or 'lost' if another run has the lease.
 */
export const UPDATE: string = `${PRELUDE}
local revision, write, lease, ends = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
if not live() then return nil end
local known = redis.call('HMGET', task, 'revision', 'write', 'owner')
if known[2] == write then return record() end
if lease ~= '' and not holds(lease) then return 'lost' end
if known[1] ~= revision or has_ended() then return nil end
redis.call('HSET', task, 'revision', string.format('%.0f', tonumber(revision) + 1), 'updatedAtMs', ARGV[3],
  'write', write, unpack(ARGV, 9))
if ends == '1' then
  redis.call('HSET', task, 'ended', 1)
  if known[3] ~= '' then redis.call('ZREM', p .. 'task-running:' .. known[3], name) end
end
tell_watchers()
return record()
`;

/** Arguments: lease or '', name and JSON of the step. Returns 1 if it was stored, 0 or 'lost'. */
export const ADD_STEP: string = `${PRELUDE}
if not live() or has_ended() then return 0 end
if ARGV[5] ~= '' and not holds(ARGV[5]) then return 'lost' end
redis.call('HSETNX', steps, ARGV[6], ARGV[7])
last_as_long_as_task(steps)
return 1
`;

/** Returns the JSON of each step. */
export const READ_STEPS: string = `${PRELUDE}
return live() and redis.call('HVALS', steps) or {}
`;

/** Deletes a task. */
export const DELETE: string = `${PRELUDE}
local hash, session = unpack(redis.call('HMGET', task, 'owner', 'of'))
redis.call('DEL', task, steps, watchers)
if session then redis.call('ZREM', p .. 'task-session:' .. session, name) end
if hash and hash ~= '' then
  redis.call('ZREM', p .. 'task-owner:' .. hash, name)
  redis.call('ZREM', p .. 'task-running:' .. hash, name)
end
return 1
`;

/**
 * The name is the hash of an owner. Argument: the hash of a session, for its tasks only, or ''. Returns the
 * names and expiry times, and the names of those that run.
 */
export const LIST: string = `${PRELUDE}
forget_expired(name)
local listed = p .. 'task-owner:' .. name
if ARGV[5] ~= '' then
  listed = p .. 'task-session:' .. ARGV[5]
  redis.call('ZREMRANGEBYSCORE', listed, '-inf', now)
end
return { redis.call('ZRANGE', listed, 0, -1, 'WITHSCORES'),
  redis.call('ZRANGE', p .. 'task-running:' .. name, 0, -1) }
`;

/** Argument: the process. Returns the record, or nil. */
export const WATCH: string = `${PRELUDE}
if not live() then return nil end
if not has_ended() then
  redis.call('SADD', watchers, ARGV[5])
  last_as_long_as_task(watchers)
end
return record()
`;

/** Argument: the process. */
export const UNWATCH: string = `${PRELUDE}
return redis.call('SREM', watchers, ARGV[5])
`;

/**
 * Lets a job run the call. Arguments: the number of the job, a new lease, and the delays of restarts in
 * turn. Returns nil if the job has nothing to do, the time at which the call continues, or the record, the
 * call, the state before, starts, interruptions, '1' if the call has stored results, and its steps.
 */
export const CLAIM: string = `${PRELUDE}
local wake, lease = ARGV[5], ARGV[6]
if not live() or has_ended() then return nil end
local run = redis.call('HMGET', task, 'wake', 'phase', 'lease', 'due', 'interruptions', 'journal', 'starts', 'call', 'before')
if run[1] ~= wake then return nil end
local phase, interruptions, starts, before = run[2], tonumber(run[5]), tonumber(run[7]), run[9]
if phase == 'running' and run[3] ~= lease then
  interruptions = interruptions + 1
  local due = now + tonumber(ARGV[math.min(6 + interruptions, #ARGV)])
  redis.call('HSET', task, 'phase', 'waiting', 'due', string.format('%.0f', due), 'interruptions', interruptions, 'lease', '')
  return string.format('%.0f', due)
end
if phase == 'waiting' then
  if run[4] == '' then return nil end
  -- Clocks may differ.
  if tonumber(run[4]) > now + 1000 then return run[4] end
end
if phase ~= 'running' then
  starts, before = starts + 1, phase
  redis.call('HSET', task, 'phase', 'running', 'lease', lease, 'due', '', 'starts', starts, 'before', phase)
end
return { record(), run[8], before, starts, interruptions, run[6] or '0', redis.call('HVALS', steps) }
`;

/**
 * Notes that the call waits. Arguments: lease, the number of responses that it has, when it continues or
 * ''. Returns 'parked', 'woken' if there are more responses, or 'lost'.
 */
export const PARK: string = `${PRELUDE}
if not live() or has_ended() or not holds(ARGV[5]) then return 'lost' end
if tonumber(redis.call('HGET', task, 'answered')) > tonumber(ARGV[6]) then return 'woken' end
redis.call('HSET', task, 'phase', 'waiting', 'seen', ARGV[6], 'due', ARGV[7])
return 'parked'
`;

/** Notes that the call stores results. Argument: lease. Returns 1, 0 if the task has ended, or 'lost'. */
export const MARK_JOURNAL: string = `${PRELUDE}
if not live() or has_ended() then return 0 end
if not holds(ARGV[5]) then return 'lost' end
redis.call('HSET', task, 'journal', 1)
return 1
`;

/**
 * Hands the call over to another process. Argument: lease.
 */
export const RELEASE: string = `${PRELUDE}
if not live() or has_ended() or not holds(ARGV[5]) then return 'lost' end
redis.call('HSET', task, 'phase', 'waiting', 'due', ARGV[3])
return 'parked'
`;

/**
 * Notes responses of the client. Argument: their number. Returns the number of the job that has to
 * continue the call, or nil if a run does, or nothing has changed.
 */
export const WAKE: string = `${PRELUDE}
if not live() or has_ended() then return nil end
local run = redis.call('HMGET', task, 'phase', 'seen', 'answered')
if tonumber(ARGV[5]) > tonumber(run[3]) then redis.call('HSET', task, 'answered', ARGV[5]) end
if run[1] == 'waiting' and tonumber(ARGV[5]) > tonumber(run[2]) then
  redis.call('HSET', task, 'phase', 'woken', 'due', '')
  redis.call('HINCRBY', task, 'wake', 1)
elseif run[1] ~= 'woken' then return nil end
return redis.call('HGET', task, 'wake')
`;

/** Returns the number of the last job. */
export const LAST_JOB: string = `${PRELUDE}
return redis.call('HGET', task, 'wake')
`;
