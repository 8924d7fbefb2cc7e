export { DurableObjectStreamSessionManager } from './worker/stream-session-manager.ts';
export type { StreamSessionOptions, SyncLayerOptions } from './worker/stream-session-manager.ts';
export type { SyncLayerBinding } from './worker/binding.ts';
export { DurableObjectSubscriptionManager } from './worker/subscription-manager.ts';
export { SyncLayer } from './object/sync-layer.ts';
