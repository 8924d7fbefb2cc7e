export type { SessionShardBinding } from './binding.ts';
export { DurableObjectInfoSessionManager } from './durable-object-info-session-manager.ts';
export type { DurableObjectInfoOptions } from './durable-object-info-session-manager.ts';
export { DurableObjectSessionStore } from './durable-object-session-store.ts';
export type { DurableObjectSessionStoreOptions } from './durable-object-session-store.ts';
export { SessionShard } from './session-shard.ts';
export type { UpdateOutcome } from './session-shard.ts';
