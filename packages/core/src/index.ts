export { fromBase64Url, toBase64Url } from './base64url.ts';
export { cachedInfo, CachedSessionStore } from './cached-info.ts';
export { BoundedStream, stalledError } from './bounded-stream.ts';
export type { Writing } from './bounded-stream.ts';
export { AFTER_LOSS, newEvents, unknownCallFrame, unseenEvents } from './call-log.ts';
export type { UnseenEvents } from './call-log.ts';
export { withCurrent, withLoss } from './channel-history.ts';
export type { ChannelHistory, Step } from './channel-history.ts';
export { chooseSessions } from './choose-sessions.ts';
export type { Choice, ChosenSessions, Offer } from './choose-sessions.ts';
export { durableObjectKind, resolveBinding } from './binding.ts';
export type { BindingKind } from './binding.ts';
export { encodeSessionId } from './encode-session-id.ts';
export {
	BindingError,
	CorruptRecordError,
	InvalidSessionIdError,
	StoreError,
	StreamError,
	TmcpSessionsError,
	UnknownSessionError,
	reasonOf,
	reporterOf,
	reportToConsole,
} from './errors.ts';
export type { ErrorCode, ErrorContext, ErrorReporter } from './errors.ts';
export {
	eventId,
	eventIdOf,
	gapFrame,
	gapOf,
	isCallStream,
	newCallStream,
	parseEventId,
	primingFrame,
	withEventId,
} from './event-id.ts';
export type { EventPosition } from './event-id.ts';
export { hashUri } from './hash-uri.ts';
export { InMemoryInboxes } from './in-memory-inboxes.ts';
export { InMemoryStreamSessionManager } from './in-memory-stream-session-manager.ts';
export type { InMemoryStreamOptions } from './in-memory-stream-session-manager.ts';
export { DEFAULT_LOG_BOUNDS, gapText, loggedFrame, openStream, RETRY_MS } from './message-log.ts';
export type { LogBounds, LoggedMessage, MessageLog, OpenedStream } from './message-log.ts';
export { InMemorySessionStore } from './memory-session-store.ts';
export type { HeldSession, InMemorySessionStoreOptions } from './memory-session-store.ts';
export { ownNamespace } from './own-namespace.ts';
export {
	isShardLabel,
	MAX_SHARDS,
	regionOfShard,
	REGIONS,
	ROOT_SHARD,
	SHARD_LABEL,
	shardLabel,
	shardOfSession,
} from './placement.ts';
export type { Region } from './placement.ts';
export { regionOfClient } from './region-of-client.ts';
export type { ClientLocation } from './region-of-client.ts';
export { currentScope, keepAlive, runInScope } from './request-scope.ts';
export type { RequestScope } from './request-scope.ts';
export { createSealing, SEALED_ID_LENGTH } from './sealing.ts';
export type { Sealing } from './sealing.ts';
export { badSecret, checkSecrets, secretsIn } from './secrets.ts';
export { sessionsExpire } from './session-expiry.ts';
export type { SessionExpiry } from './session-expiry.ts';
export { hasInboxes } from './session-inboxes.ts';
export type { SessionInbox, SessionInboxes } from './session-inboxes.ts';
export { createSessionIds } from './session-ids.ts';
export type { SessionIdOptions, SessionIds } from './session-ids.ts';
export { readsSessionInfo } from './session-info.ts';
export type { SessionInfo, SessionInfoReading } from './session-info.ts';
export {
	ENDED_SESSION,
	liveSessionRecord,
	mergeSessionPatch,
	parseSessionRecord,
} from './session-record.ts';
export type {
	ClientCapabilities,
	ClientInfo,
	LogLevel,
	SessionPatch,
	SessionRecord,
	SessionStore,
	StoreCapabilities,
} from './session-store.ts';
export { sealsSessions } from './session-sealing.ts';
export type { NamedSession, SaidAtInitialize, SessionSealing } from './session-sealing.ts';
export { isResumable } from './resumable-streams.ts';
export type { CallEvents, ResumableStreams } from './resumable-streams.ts';
export type { SingleUse } from './single-use.ts';
export { splitInfo, SplitSessionStore } from './split-info.ts';
export type { InfoParts } from './split-info.ts';
export { StoredInfoSessionManager } from './stored-info-session-manager.ts';
export type { StoredInfoOptions } from './stored-info-session-manager.ts';
export { storeOperation } from './store-operation.ts';
export {
	CALL_WAIT_MS,
	MAX_CALLS,
	MAX_STREAMS,
	TOO_MANY_CALLS,
	TOO_MANY_STREAMS,
} from './stream-bounds.ts';
export { closeStream, enqueueFrame, isOpen } from './stream-controller.ts';
export { knowsPresence } from './stream-presence.ts';
export type { StreamPresence } from './stream-presence.ts';
export { textHash } from './text-hash.ts';
export { withinTime } from './within-time.ts';
