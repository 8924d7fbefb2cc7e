// What a new backend implements, and may use.
export type { BindingKind } from './cloudflare/binding.ts';
export { durableObjectKind, resolveBinding } from './cloudflare/binding.ts';
export { ownNamespace } from './cloudflare/own-namespace.ts';
export { reasonOf, reporterOf } from './errors.ts';
export type { CallEvents, ResumableStreams } from './extensions/resumable-streams.ts';
export { isResumable } from './extensions/resumable-streams.ts';
export type { SessionExpiry } from './extensions/session-expiry.ts';
export { sessionsExpire } from './extensions/session-expiry.ts';
export type { SessionInbox, SessionInboxes } from './extensions/session-inboxes.ts';
export { hasInboxes } from './extensions/session-inboxes.ts';
export type { SessionInfo, SessionInfoReading } from './extensions/session-info.ts';
export { readsSessionInfo } from './extensions/session-info.ts';
export type {
	IssuedSession,
	InitializeParams,
	SessionSealing,
} from './extensions/session-sealing.ts';
export { sealsSessions } from './extensions/session-sealing.ts';
export type { SingleUse } from './extensions/single-use.ts';
export type { StreamPresence } from './extensions/stream-presence.ts';
export { knowsPresence } from './extensions/stream-presence.ts';
export { encodeSessionId } from './ids/encode-session-id.ts';
export { hashUri } from './ids/hash-uri.ts';
export type { Sealing } from './ids/sealing.ts';
export { createSealing, SEALED_ID_LENGTH } from './ids/sealing.ts';
export { badSecret, checkSecrets, secretsIn } from './ids/secrets.ts';
export { textHash } from './ids/text-hash.ts';
export { CachedSessionStore } from './info/cached-info.ts';
export { SplitSessionStore } from './info/split-info.ts';
export {
	isShardLabel,
	MAX_SHARDS,
	regionOfShard,
	REGIONS,
	ROOT_SHARD,
	SHARD_LABEL,
	shardLabel,
	shardOfSession,
} from './placement/shards.ts';
export type { RequestScope } from './request-scope.ts';
export { currentScope, keepAlive, runInScope } from './request-scope.ts';
export {
	ENDED_SESSION,
	liveSessionRecord,
	mergeSessionPatch,
	parseSessionRecord,
} from './store/session-record.ts';
export { storeOperation } from './store/store-operation.ts';
export { BoundedStream, stalledError } from './streams/bounded-stream.ts';
export type { UnseenEvents } from './streams/call-log.ts';
export { AFTER_LOSS, newEvents, unknownCallFrame, unseenEvents } from './streams/call-log.ts';
export type { ChannelHistory } from './streams/channel-history.ts';
export { withCurrent, withLoss } from './streams/channel-history.ts';
export type { EventPosition } from './streams/event-id.ts';
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
} from './streams/event-id.ts';
export { InMemoryInboxes } from './streams/in-memory-inboxes.ts';
export type { LogBounds, LoggedMessage, MessageLog, OpenedStream } from './streams/message-log.ts';
export {
	DEFAULT_LOG_BOUNDS,
	gapText,
	loggedFrame,
	openStream,
	RETRY_MS,
} from './streams/message-log.ts';
export {
	CALL_WAIT_MS,
	MAX_CALLS,
	MAX_STREAMS,
	TOO_MANY_CALLS,
	TOO_MANY_STREAMS,
} from './streams/stream-bounds.ts';
export { closeStream, enqueueFrame, isOpen } from './streams/stream-controller.ts';
export { withTimeout } from './with-timeout.ts';
