// Used by `session-object`. May change in any release.
export { StreamHub } from './object/stream-hub.ts';
export type { StreamHubOptions } from './object/stream-hub.ts';
export { parseCallPosition } from './wire/call-position.ts';
export { includesInterests, mergedInterests } from './wire/change-interests.ts';
export type {
	ChangeInterests,
	ChangeReceiverRpc,
	DeliveryOutcome,
	NumberedChange,
} from './wire/change-interests.ts';
export type { ChangeKind } from './wire/change-kind.ts';
export { FINAL_CLOSE_CODES } from './wire/close-codes.ts';
export { MAX_SESSION_ID_BYTES } from './wire/limits.ts';
export { parsePurpose } from './wire/socket-purpose.ts';
export type { SocketPurpose } from './wire/socket-purpose.ts';
export type { SocketTarget } from './worker/open-socket.ts';
export { SocketStreamManager } from './worker/socket-stream-manager.ts';
export type { SessionStubFor, SocketStreamOptions } from './worker/socket-stream-manager.ts';
export { SocketSubscriptionManager } from './worker/socket-subscription-manager.ts';
export type {
	SocketSubscriptionOptions,
	SubscriptionStubFor,
} from './worker/socket-subscription-manager.ts';
export type { SyncLayers } from './worker/binding.ts';
export { DEFAULT_BINDING } from './worker/binding.ts';
export {
	addReceiver,
	publishToReceivers,
	removeReceiver,
	updateReceiver,
} from './worker/published-changes.ts';
