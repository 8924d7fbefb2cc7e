import type { SessionStore } from '@tmcp-sessions/core/backend';
import type { Operation } from '../operation-counts.ts';
import { countedMethods } from './counted-bindings.ts';

const methods: Readonly<Record<string, Operation>> = {
	read: 'memoryReads',
	subscribers: 'memoryReads',
	create: 'memoryWrites',
	update: 'memoryWrites',
	subscribe: 'memoryWrites',
	unsubscribe: 'memoryDeletes',
	delete: 'memoryDeletes',
};

/** Counts the calls of a store in memory, which has no binding to count at. */
export function observeStore(store: SessionStore): SessionStore {
	return countedMethods(store, (method) => methods[method]);
}
