export { KVInfoSessionManager } from './kv-info-session-manager.ts';
export type { KVInfoOptions } from './kv-info-session-manager.ts';
export { KVSessionStore } from './kv-session-store.ts';
export type { KVSessionStoreOptions } from './kv-session-store.ts';
