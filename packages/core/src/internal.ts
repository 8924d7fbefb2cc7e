// Shared by the packages of this family. May change in any release.

export { hashSessionId, NewerStorageError } from './errors.ts';

// Requests and the optional capabilities of managers.
export { runInScope } from './request-scope.ts';
export type { OptionNames } from './option-names.ts';
export { distance, rejectUnknownOptions } from './option-names.ts';
export { rejectRenamedOptions } from './renamed-options.ts';
export { STORED_INFO_OPTIONS } from './info/stored-info-session-manager.ts';
export { EVERY_URI, hasEveryUri } from './extensions/every-uri.ts';
export type { EveryUriSubscriptions } from './extensions/every-uri.ts';
export { hasResumableStreams } from './extensions/resumable-streams.ts';
export { hasSessionAdministration } from './extensions/session-administration.ts';
export { hasSessionExpiry } from './extensions/session-expiry.ts';
export { hasSessionInboxes } from './extensions/session-inboxes.ts';
export { hasSessionInfo } from './extensions/session-info.ts';
export { hasSessionSealing } from './extensions/session-sealing.ts';
export { hasStreamPresence } from './extensions/stream-presence.ts';

// The stores behind `cachedInfo` and `splitInfo`, for tests.
export { CachedSessionStore } from './info/cached-info.ts';
export { SplitSessionStore } from './info/split-info.ts';

// Ids, secrets and sealed texts.
export { fromBase64Url, toBase64Url } from './ids/base64url.ts';
export { fnv1a } from './ids/fnv1a.ts';
export type { Sealing } from './ids/sealing.ts';
export { createSigning, MAC } from './ids/signing.ts';
export type { Signing } from './ids/signing.ts';
export { createSealing, SEALED_ID_LENGTH } from './ids/sealing.ts';
export { checkSecrets, parseSecrets, weaknessOf } from './ids/secrets.ts';
export type { SessionIds } from './ids/session-ids.ts';
export { createSessionIds } from './ids/session-ids.ts';
export type { TaskIds } from './ids/task-ids.ts';
export { createTaskIds } from './ids/task-ids.ts';

// Placement of Durable Objects, and their bindings.
export { checkBindings } from './cloudflare/binding.ts';
export {
	KV_KIND,
	RESULT_BUCKET_KIND,
	SESSION_OBJECT_KIND,
	SESSION_SHARD_KIND,
	SYNC_LAYER_KIND,
	TASK_OBJECT_KIND,
	TASK_QUEUE_KIND,
	TASK_WORKFLOW_EXPORT,
	TASK_WORKFLOW_KIND,
} from './cloudflare/binding-kinds.ts';
export { namespaceOfObject, ownNamespace } from './cloudflare/own-namespace.ts';
export { answerCheck, SOCKET_CHECK, watchSocket } from './cloudflare/watched-socket.ts';
export { regionOfClient } from './placement/region-of-client.ts';
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

// Session records.
export { isLogLevel } from './store/session-record.ts';

// Logs of messages and of calls, and what clients hold open.
export { BoundedSubscriptionManager } from './streams/bounded-subscription-manager.ts';
export { stalledError } from './streams/bounded-stream.ts';
export { ClientCounts } from './streams/client-counts.ts';
export {
	FIRST_SEQUENCE_AFTER_LOSS,
	replayCall,
	unknownCallFrame,
	unstoredEvents,
} from './streams/call-log.ts';
export type { StoredCallEnd } from './streams/call-log.ts';
export type { ChannelHistory } from './streams/channel-history.ts';
export { channelAt, withCurrentChannel, withLossUpTo } from './streams/channel-history.ts';
export { LAST_SEQUENCE, newCallStream, requestIdOfCall } from './streams/call-stream.ts';
export { gapOf, withoutPriming } from './streams/event-id.ts';
export type { LogSize, SharedEntry } from './streams/fair-share.ts';
export { entriesBeyond, needsPruning } from './streams/fair-share.ts';
export { InMemoryInboxes } from './streams/in-memory-inboxes.ts';
export type { LogBounds, LoggedMessage, MessageLog, OpenedStream } from './streams/message-log.ts';
export {
	DEFAULT_LOG_BOUNDS,
	findResumePoint,
	firstFrame,
	gapText,
	loggedFrame,
	openOrResumeStream,
	resumeStream,
} from './streams/message-log.ts';
export {
	MAX_CALLS_PER_SESSION,
	MAX_STREAMS_PER_CLIENT,
	MAX_STREAMS_PER_SESSION,
	MAX_SUBSCRIPTIONS_PER_CLIENT,
	TOO_MANY_CALLS,
	TOO_MANY_OF_CLIENT,
	TOO_MANY_STREAMS,
	TOO_MANY_SUBSCRIPTIONS,
	UNKNOWN_CALL_WAIT_MS,
} from './streams/stream-bounds.ts';
export { isStreamOpen } from './streams/stream-controller.ts';
export { channels } from './telemetry/channels.ts';
