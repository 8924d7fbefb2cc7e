export { connectRedis } from './tcp-connection.ts';
export type { RedisNodeClient, RedisTcpConnection, RedisTcpOptions } from './tcp-connection.ts';
