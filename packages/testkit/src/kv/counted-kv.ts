import type { KVNamespace } from '@cloudflare/workers-types';
import { createInterceptedKV } from './intercepted-kv.ts';

/** The number of operations of each kind, successful or not. */
export interface OperationCounts {
	reads: number;
	writes: number;
	lists: number;
	deletes: number;
}

/** Counts storage operations. */
export class OperationCounter implements OperationCounts {
	reads = 0;
	writes = 0;
	lists = 0;
	deletes = 0;

	/** Returns the counts since the last call, and resets them to 0. */
	take(): OperationCounts {
		const { reads, writes, lists, deletes } = this;
		this.reads = this.writes = this.lists = this.deletes = 0;
		return { reads, writes, lists, deletes };
	}
}

/** Wraps a namespace and counts its operations. A read of several keys at once counts as one. */
export function createCountedKV(namespace: KVNamespace, counter: OperationCounter): KVNamespace {
	return createInterceptedKV(namespace, ({ operation }, proceed) => {
		counter[`${operation}s`]++;
		return proceed();
	});
}
