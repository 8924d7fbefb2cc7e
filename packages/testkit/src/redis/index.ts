export type { RedisReply } from './redis-connection.ts';
export type { RestRequest } from './rest-server.ts';
export { startRedis } from './start-redis.ts';
export type { RunningRedis } from './start-redis.ts';
