export { ManualClock } from './manual-clock.ts';
export { runSessionStoreCase } from './session-store-subject.ts';
export type {
	SessionStoreCase,
	SessionStoreSubject,
	StoreFactory,
	StoreUnderTest,
} from './session-store-subject.ts';
export { sessionStoreCases, testSessionStore } from './session-store-suite.ts';
