export { RedisInfoSessionManager } from './redis-info-session-manager.ts';
export type { RedisInfoOptions } from './redis-info-session-manager.ts';
export { createRedisSessionStore } from './create-redis-session-store.ts';
export type { RedisStoreOptions } from './create-redis-session-store.ts';
