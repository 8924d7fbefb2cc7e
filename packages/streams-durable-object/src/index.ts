export { DurableObjectStreamSessionManager } from './stream-session-manager.ts';
export type { StreamSessionOptions, SyncLayerOptions } from './stream-session-manager.ts';
export type { SyncLayerBinding } from './binding.ts';
export { DurableObjectSubscriptionManager } from './subscription-manager.ts';
export { SyncLayer } from './sync-layer.ts';
