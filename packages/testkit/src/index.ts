export { countedDurableObject, ObjectCallCounter } from './counted-durable-object.ts';
export { countedKV, OperationCounter } from './counted-kv.ts';
export type { OperationCounts } from './counted-kv.ts';
export { faultyKV, rateLimitedKV } from './faulty-kv.ts';
export { interceptedDurableObject } from './intercepted-durable-object.ts';
export type { ObjectCall } from './intercepted-durable-object.ts';
export { interceptedKV } from './intercepted-kv.ts';
export type { KVCall, KVOperation } from './intercepted-kv.ts';
export { locationKV } from './location-kv.ts';
export { mutate, seededRandom } from './mutations.ts';
export { testInfoSessionManager } from './info-suite.ts';
export type { InfoUnderTest } from './info-suite.ts';
export { ManualClock } from './manual-clock.ts';
export { runSessionStoreCase } from './session-store-subject.ts';
export type {
	SessionStoreCase,
	SessionStoreSubject,
	StoreFactory,
	StoreUnderTest,
} from './session-store-subject.ts';
export { sessionStoreCases, testSessionStore } from './session-store-suite.ts';
export { inboxesCases, runInboxesCase } from './inbox-cases.ts';
export type {
	InboxesCase,
	InboxesFactory,
	InboxesSubject,
	InboxesUnderTest,
	OpenInbox,
} from './inbox-cases.ts';
export type {
	SubscriptionsCase,
	SubscriptionsFactory,
	SubscriptionsSubject,
	SubscriptionsUnderTest,
} from './listener-cases.ts';
export type {
	StreamCase,
	StreamsFactory,
	StreamSubject,
	StreamsUnderTest,
} from './stream-cases.ts';
export { resumableCases } from './resumable-cases.ts';
export type {
	ResumableCase,
	ResumableFactory,
	ResumableSubject,
	ResumableUnderTest,
} from './resumable-cases.ts';
export {
	testResumableStreams,
	testSessionInboxes,
	testStreamSessionManager,
	testSubscriptionManager,
} from './stream-suite.ts';
export { testStreamPresence } from './presence-suite.ts';
export type { PresenceFactory, PresenceUnderTest } from './presence-suite.ts';
export { singleUseCases, testSingleUse } from './single-use-suite.ts';
export type { SingleUseCase, SingleUseFactory, SingleUseUnderTest } from './single-use-suite.ts';
export { OpenStream } from './open-stream.ts';
export type { StreamEvent } from './open-stream.ts';
export { openSession } from './open-session.ts';
export type { OpenSession } from './open-session.ts';
export {
	CLIENT_CAPABILITIES,
	CLIENT_INFO,
	sessionName,
	TransportClient,
} from './transport-client.ts';
export type { TransportAnswer } from './transport-client.ts';
