import type { KVNamespace } from '@cloudflare/workers-types';
import { createInterceptedKV } from './intercepted-kv.ts';

/** How many operations of each kind were asked for, whether or not they succeeded. */
export interface OperationCounts {
	reads: number;
	writes: number;
	lists: number;
	deletes: number;
}

/** Counts operations on storage. */
export class OperationCounter implements OperationCounts {
	reads = 0;
	writes = 0;
	lists = 0;
	deletes = 0;

	/** What was counted since the last call, which sets everything back to 0. */
	take(): OperationCounts {
		const { reads, writes, lists, deletes } = this;
		this.reads = this.writes = this.lists = this.deletes = 0;
		return { reads, writes, lists, deletes };
	}
}

/** The same namespace, with every operation counted. A read of several keys at once is one. */
export function createCountedKV(namespace: KVNamespace, counter: OperationCounter): KVNamespace {
	return createInterceptedKV(namespace, ({ operation }, proceed) => {
		counter[`${operation}s`]++;
		return proceed();
	});
}
