export { RedisStreamSessionManager } from './redis-stream-session-manager.ts';
export type { RedisStreamOptions } from './redis-stream-session-manager.ts';
export { RedisSubscriptionManager } from './redis-subscription-manager.ts';
export type { RedisSubscriptionOptions } from './redis-subscription-manager.ts';
export type { RedisManagerOptions } from './options.ts';
