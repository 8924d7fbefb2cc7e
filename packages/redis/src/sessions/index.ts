export { DEFAULT_PREFIX, RedisSessionStore } from './redis-session-store.ts';
export type { RedisSessionStoreOptions, SessionDatabase } from './redis-session-store.ts';
export { READ } from './scripts.ts';
