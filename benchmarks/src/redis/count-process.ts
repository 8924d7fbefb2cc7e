// Counts a part of the requests, prints the result as JSON, and ends with thousands of streams open.
import { countPart } from '../operations/count-redis.ts';
import type { RedisPart } from '../operations/count-redis.ts';
import type { RedisClientName } from './redis-server.ts';

// Safe because `countRedis` passes these.
const [part, client] = process.argv.slice(2) as [RedisPart, RedisClientName];
console.log(JSON.stringify(await countPart(part, client)));
process.exit(0);
