export { SyncLayer } from './object/sync-layer.ts';
export type { SyncLayerBinding } from './worker/binding.ts';
export { DurableObjectStreamSessionManager } from './worker/stream-session-manager.ts';
export type { StreamSessionOptions } from './worker/stream-session-manager.ts';
export { DurableObjectSubscriptionManager } from './worker/subscription-manager.ts';
export type { SyncLayerOptions } from './worker/sync-layer-options.ts';
