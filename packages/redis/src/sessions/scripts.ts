import { ENDED_FIELDS } from './stored-fields.ts';

/*
 * Lua scripts, which Redis runs atomically. Each is idempotent, because the client may send it again
 * after a lost response. Times are milliseconds since the epoch by the caller's clock; a time to live
 * is relative, so that the clock of Redis may differ.
 */

/** KEYS: one. Returns its text. Sent as a script, so that the primary answers. */
export const READ = `return redis.call('GET', KEYS[1])`;

/** The result of `UPDATE` and `CREATE` after a write. */
export const UPDATED = 1;
/** The result of `UPDATE` if the stored text is not a record. */
export const CORRUPT = -1;

/** KEYS: session. ARGV: fields, time to live. Does not revive an ended session. */
export const CREATE: string = `
local text = redis.call('GET', KEYS[1])
if text == '${ENDED_FIELDS}' then return 0 end
if text and string.find('\\n' .. text .. '\\n', '\\nhasEnded=true\\n', 1, true) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ${UPDATED}`;

/** KEYS: session. ARGV: changed fields, now, fields to store if there are none (or empty), their time to live. */
export const UPDATE: string = `
local fields, names = {}, {}
local function take(text)
  for line in string.gmatch(text, '[^\\n]+') do
    local name, json = string.match(line, '^(%a+)=(.+)$')
    if not name then return false end
    if not fields[name] then names[#names + 1] = name end
    fields[name] = json
  end
  return true
end
local text = redis.call('GET', KEYS[1])
if text == '${ENDED_FIELDS}' then return 0 end
if not text then
  if ARGV[3] == '' then return 0 end
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  return ${UPDATED}
end
if not take(text) then return ${CORRUPT} end
local now, ends = tonumber(ARGV[2]), tonumber(fields.expiresAtMs)
if not ends or not (ends < 2 ^ 53) then return ${CORRUPT} end
if ends <= now or fields.hasEnded == 'true' then return 0 end
take(ARGV[1])
local lines = {}
for _, name in ipairs(names) do lines[#lines + 1] = name .. '=' .. fields[name] end
local ttl = math.max(1, math.ceil(tonumber(fields.expiresAtMs) - now))
redis.call('SET', KEYS[1], table.concat(lines, '\\n'), 'PX', string.format('%.0f', ttl))
return ${UPDATED}`;

/**
 * KEYS: session, own. ARGV: id, prefix of the keys of uris, time to live of the tombstone of a session
 * that is unknown, or of a key that has none.
 * Builds the keys of the uris from a set in Redis: on a cluster, the prefix needs a hash tag.
 */
export const DELETE: string = `
local ttl = redis.call('PTTL', KEYS[1])
if ttl < 0 then ttl = ARGV[3] elseif ttl == 0 then ttl = 1 end
redis.call('SET', KEYS[1], '${ENDED_FIELDS}', 'PX', ttl)
for _, hash in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  redis.call('ZREM', ARGV[2] .. hash, ARGV[1])
end
redis.call('DEL', KEYS[2])
return 1`;

/** KEYS: session, uri, own. ARGV: id, hash, until, time to live, now. Ignores an ended session. */
export const SUBSCRIBE: string = `
if redis.call('GET', KEYS[1]) == '${ENDED_FIELDS}' then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[5])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
redis.call('SADD', KEYS[3], ARGV[2])
for index = 2, 3 do
  if redis.call('PTTL', KEYS[index]) < tonumber(ARGV[4]) then
    redis.call('PEXPIRE', KEYS[index], ARGV[4])
  end
end
return 1`;

/** KEYS: uri, own. ARGV: id, hash. */
export const UNSUBSCRIBE: string = `
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('SREM', KEYS[2], ARGV[2])
return 1`;

/** KEYS: uri. ARGV: now. */
export const SUBSCRIBERS: string = `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
return redis.call('ZRANGE', KEYS[1], 0, -1)`;

/** KEYS: owner. ARGV: id, until, time to live, now. */
export const ADD_OWNER: string = `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 1`;

/** KEYS: owner. ARGV: now. Returns ids, each followed by the time until which it is stored. */
export const SESSIONS_OF: string = `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')`;

/** KEYS: owner. ARGV: ids. */
export const REMOVE_OWNED: string = `
for _, id in ipairs(ARGV) do redis.call('ZREM', KEYS[1], id) end
return 1`;

/**
 * KEYS: any with the prefix. ARGV: cursor, pattern of the keys of sessions, about how many keys to visit. Returns the
 * next cursor, then keys, each followed by its fields. Skips keys of another type.
 */
export const LIST: string = `
local page = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local found = { page[1] }
for _, key in ipairs(page[2]) do
  local text = redis.pcall('GET', key)
  if type(text) == 'string' then
    found[#found + 1] = key
    found[#found + 1] = text
  end
end
return found`;

/** The result of `CLAIM` for the first claimant, also when it repeats its claim. */
export const CLAIMED = 1;

/** KEYS: claim. ARGV: claimant, time to live. */
export const CLAIM: string = `
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return ${CLAIMED} end
return redis.call('GET', KEYS[1]) == ARGV[1] and ${CLAIMED} or 0`;

/** The result of `WRITE_STATE` after a write. */
export const STATE_WRITTEN = 1;

/** KEYS: state. ARGV: version that is replaced (or empty), new version, text, time to live. */
export const WRITE_STATE: string = `
local stored = redis.call('GET', KEYS[1])
if stored == '${ENDED_FIELDS}' then return 0 end
local version = stored and string.match(stored, '^[^\\n]+') or ''
if version ~= ARGV[1] and version ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[2] .. '\\n' .. ARGV[3], 'PX', ARGV[4])
return ${STATE_WRITTEN}`;

/** KEYS: state. ARGV: time to live. */
export const EXTEND_STATE: string = `
local ttl = redis.call('PTTL', KEYS[1])
if ttl >= 0 and ttl < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 1`;

/** KEYS: state. ARGV: time to live of the tombstone. Returns what it replaces, once. */
export const END_STATE: string = `
local stored = redis.call('GET', KEYS[1])
if stored == '${ENDED_FIELDS}' then return false end
redis.call('SET', KEYS[1], '${ENDED_FIELDS}', 'PX', ARGV[1])
return stored`;
