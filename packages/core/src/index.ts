// What a deployment composes. `./backend` is for new backends, `./internal` for this family.
export type { ChosenSessions } from './choose-sessions.ts';
export { chooseSessions } from './choose-sessions.ts';
export { cachedInfo } from './info/cached-info.ts';
export type { InfoParts } from './info/split-info.ts';
export { splitInfo } from './info/split-info.ts';
export type {
	ListedSession,
	ListSessionsOptions,
	SessionAdministration,
	SessionPage,
} from './extensions/session-administration.ts';
export { hasSessionAdministration } from './extensions/session-administration.ts';
export type { StoredInfoOptions } from './info/stored-info-session-manager.ts';
export { StoredInfoSessionManager } from './info/stored-info-session-manager.ts';
export type {
	InMemorySessionStoreOptions,
	StoredSession,
} from './store/in-memory-session-store.ts';
export { InMemorySessionStore } from './store/in-memory-session-store.ts';
export type { InMemoryStreamOptions } from './streams/in-memory-stream-session-manager.ts';
export { InMemoryStreamSessionManager } from './streams/in-memory-stream-session-manager.ts';
export type {
	RejectionEvent,
	RequestEvent,
	SessionEvent,
	StorageEvent,
	StreamEvent,
	SubscriptionEvent,
	TaskEvent,
	TelemetryEvents,
} from './telemetry/events.ts';
export { onTelemetry } from './telemetry/channels.ts';
export type { Region } from './placement/shards.ts';
export type { Principal } from './principal.ts';
export type { ErrorCode, ErrorContext, ErrorReporter } from './errors.ts';
export {
	BindingError,
	CorruptRecordError,
	InvalidSessionIdError,
	StoreError,
	StreamError,
	TmcpSessionsError,
	UnknownSessionError,
	reportToConsole,
} from './errors.ts';
