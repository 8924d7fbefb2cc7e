// What a new backend implements and uses. The errors are in the main entry.

// The contract of a session store, and the building blocks of one.
export type {
	ClientCapabilities,
	ClientInfo,
	LogLevel,
	SessionPatch,
	SessionRecord,
	SessionStore,
	StoreCapabilities,
} from './store/session-store.ts';
export {
	DEFAULT_ENDED_MS,
	ENDED_SESSION,
	isFinal,
	mergeSessionPatch,
	parseLiveSessionRecord,
	parseSessionRecord,
} from './store/session-record.ts';
export { storeOperation } from './store/store-operation.ts';
export { encodeSessionId } from './ids/encode-session-id.ts';
export { hashText } from './ids/hash-text.ts';

// Optional capabilities of stores and of info managers.
export type {
	DirectoryPage,
	DirectoryProvider,
	OwnedSession,
	SessionDirectory,
	StoredSessionRecord,
} from './extensions/session-directory.ts';
export { directoryOf } from './extensions/session-directory.ts';
export { invalidCursor } from './info/session-administrator.ts';
export type { SessionExpiry } from './extensions/session-expiry.ts';
export type { SessionInfo, SessionInfoReader } from './extensions/session-info.ts';
export type {
	InitializeParams,
	IssuedSession,
	SessionSealing,
} from './extensions/session-sealing.ts';
export type {
	StateCapabilities,
	StateLifetime,
	StateProvider,
	StateSource,
	StateStore,
	StoredState,
} from './extensions/state-store.ts';
export { stateOf } from './extensions/state-store.ts';
export type { SingleUse } from './extensions/single-use.ts';

// Optional capabilities of stream managers.
export type { CallEvents, ResumableStreams } from './extensions/resumable-streams.ts';
export type { SessionInbox, SessionInboxes } from './extensions/session-inboxes.ts';
export type { StreamPresence } from './extensions/stream-presence.ts';

// Event ids, and the frames that a resumable stream writes.
export type { EventPosition } from './streams/event-id.ts';
export { isCallStream } from './streams/call-stream.ts';
export {
	closingFrame,
	eventIdOf,
	gapFrame,
	knowsPolling,
	messageFrame,
	parseEventId,
	primingFrame,
	withEventId,
} from './streams/event-id.ts';
export { escapeLineTerminators, toJsonLine } from './streams/line-terminators.ts';
export { BoundedStream } from './streams/bounded-stream.ts';
export { closeStream } from './streams/stream-controller.ts';

// The request being served, and the platform that serves it.
export type { RequestScope } from './request-scope.ts';
export { currentScope, keepRequestAlive } from './request-scope.ts';
export type {
	BindingKind,
	BindingRequirement,
	BindingUser,
	DurableObjectClass,
} from './cloudflare/binding.ts';
export {
	bindingsOf,
	classErrorOf,
	durableObjectKind,
	resolveBinding,
} from './cloudflare/binding.ts';
export { MAX_ROW_BYTES } from './cloudflare/row-limit.ts';
export { sleep } from './sleep.ts';
export { withTimeout } from './with-timeout.ts';

// Reporting what happens.
export { observeStorage } from './telemetry/observe-storage.ts';
export { createReporter, reasonOf } from './errors.ts';
