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

/** Stands in for the module of this name: memory has no binding, so the store's calls are counted. */
export function sessionMemory(store: SessionStore): SessionStore {
	return countedMethods(store, (method) => methods[method]);
}
