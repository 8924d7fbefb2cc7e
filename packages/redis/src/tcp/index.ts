export { connectRedis } from './tcp-connection.ts';
export type { RedisTcpOptions } from './tcp-connection.ts';
