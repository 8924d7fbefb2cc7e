export { DenoKvInfoSessionManager } from './deno-kv-info-session-manager.ts';
export type { DenoKvInfoOptions } from './deno-kv-info-session-manager.ts';
export { DenoKvSessionStore } from './deno-kv-session-store.ts';
export type { DenoKvStoreOptions } from './deno-kv-session-store.ts';
export type { DenoKv, DenoKvAtomic, DenoKvEntry, DenoKvKey, OpenDenoKv } from './deno-kv.ts';
