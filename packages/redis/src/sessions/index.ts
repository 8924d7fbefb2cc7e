export { DEFAULT_PREFIX, RedisSessionStore } from './redis-session-store.ts';
export type { RedisSessionStoreOptions } from './redis-session-store.ts';
export type { SessionDatabase } from './session-database.ts';
export { READ } from './scripts.ts';
