export { runStateStoreCase, stateStoreCases, testStateStore } from './state-store-suite.ts';
export type {
	StateStoreCase,
	StateStoreFactory,
	StateStoreSubject,
	StateStoreUnderTest,
} from './state-store-suite.ts';
