export {
	createCountedDurableObject,
	ObjectRpcCounter,
} from './durable-object/counted-durable-object.ts';
export { createCountedKV, OperationCounter } from './kv/counted-kv.ts';
export type { OperationCounts } from './kv/counted-kv.ts';
export { createFaultyKV, createRateLimitedKV } from './kv/faulty-kv.ts';
export { createInterceptedDurableObject } from './durable-object/intercepted-durable-object.ts';
export type { ObjectRpc } from './durable-object/intercepted-durable-object.ts';
export { createInterceptedKV } from './kv/intercepted-kv.ts';
export type { KVCall, KVOperation } from './kv/intercepted-kv.ts';
export { createLocationKV } from './kv/location-kv.ts';
export { mutate, seededRandom } from './random/mutations.ts';
export { testInfoSessionManager } from './suites/info-suite.ts';
export type { InfoUnderTest } from './suites/info-suite.ts';
export { testSessionAdministration } from './suites/administration-suite.ts';
export type { AdministrationUnderTest } from './suites/administration-suite.ts';
export { ManualClock } from './manual-clock.ts';
export { createSteppedStore } from './cases/stepped-store.ts';
export { everyOrder, Interleavings } from './cases/interleavings.ts';
export type { Choose, Step } from './cases/interleavings.ts';
export { runSessionStoreCase } from './cases/session-store-subject.ts';
export type {
	SessionStoreCase,
	SessionStoreSubject,
	StoreFactory,
	StoreUnderTest,
} from './cases/session-store-subject.ts';
export { sessionStoreCases, testSessionStore } from './suites/session-store-suite.ts';
export { inboxesCases, runInboxesCase } from './cases/inbox-cases.ts';
export type {
	InboxesCase,
	InboxesFactory,
	InboxesSubject,
	InboxesUnderTest,
	OpenInbox,
} from './cases/inbox-cases.ts';
export type {
	SubscriptionsCase,
	SubscriptionsFactory,
	SubscriptionsSubject,
	SubscriptionsUnderTest,
} from './cases/subscription-manager-cases.ts';
export type {
	StreamCase,
	StreamsFactory,
	StreamSubject,
	StreamsUnderTest,
} from './cases/stream-cases.ts';
export { resumableCases } from './cases/resumable-cases.ts';
export type {
	ResumableCase,
	ResumableFactory,
	ResumableSubject,
	ResumableUnderTest,
} from './cases/resumable-subject.ts';
export {
	testResumableStreams,
	testSessionInboxes,
	testStreamSessionManager,
	testSubscriptionManager,
} from './suites/stream-suite.ts';
export { testStreamPresence } from './suites/presence-suite.ts';
export type { PresenceFactory, PresenceUnderTest } from './suites/presence-suite.ts';
export { singleUseCases, testSingleUse } from './suites/single-use-suite.ts';
export type {
	SingleUseCase,
	SingleUseFactory,
	SingleUseUnderTest,
} from './suites/single-use-suite.ts';
export { OpenStream } from './clients/open-stream.ts';
export type { StreamEvent } from './clients/open-stream.ts';
export { readStrictly } from './clients/strict-events.ts';
export { openSession } from './clients/open-session.ts';
export type { OpenSession } from './clients/open-session.ts';
export {
	CLIENT_CAPABILITIES,
	CLIENT_INFO,
	internalIdOf,
	TransportClient,
} from './clients/transport-client.ts';
export type { TransportAnswer } from './clients/transport-client.ts';
