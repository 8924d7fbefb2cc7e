import { markdownTable } from '../markdown-table.ts';
import { backedContenders, contenderTitles } from '../start-contenders.ts';
import type { Operations } from './count-operations.ts';
import type { OperationCounts } from './operation-counts.ts';

/** One row for each kind of request, one column for each contender. */
export function operationsTable(operations: Operations): string {
	const kinds = Object.keys(operations[backedContenders[0]]);
	return markdownTable(
		['request', ...backedContenders.map((name) => contenderTitles[name])],
		kinds.map((kind) => [
			kind,
			...backedContenders.map((name) => {
				const counts = operations[name][kind];
				return counts ? inWords(counts) : '';
			}),
		]),
	);
}

function inWords(counts: OperationCounts): string {
	const reads = [amount(counts.kvReads, 'read'), amount(counts.kvLists, 'list')].flat();
	const sequence = counts.kvReadsInSequence > 1 ? ` (${counts.kvReadsInSequence} in sequence)` : '';
	const parts = [
		reads.length > 0 ? [reads.join(', ') + sequence] : [],
		amount(counts.kvWrites, 'write'),
		amount(counts.kvDeletes, 'delete'),
		amount(counts.objectCalls, 'object call'),
		amount(counts.objectSockets, 'socket'),
	].flat();
	return parts.join(', ') || 'none';
}

function amount(count: number, noun: string): string[] {
	return count === 0 ? [] : [`${count} ${noun}${count === 1 ? '' : 's'}`];
}
