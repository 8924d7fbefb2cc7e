import type { Operation, OperationCounts } from './operation-counts.ts';

type Noun = readonly [Operation, one: string, many?: string];

const reads: readonly Noun[] = [
	['memoryReads', 'memory read'],
	['kvReads', 'KV read'],
	['kvLists', 'KV list'],
	['shardReads', 'shard read'],
	['redisReads', 'Redis read'],
];
const changes: readonly Noun[] = [
	['memoryWrites', 'memory write'],
	['memoryDeletes', 'memory delete'],
	['kvWrites', 'KV write'],
	['kvDeletes', 'KV delete'],
	['shardWrites', 'shard write'],
	['redisScripts', 'Redis script'],
];
const details: readonly Noun[] = [
	['rowsRead', 'row read', 'rows read'],
	['rowsWritten', 'row written', 'rows written'],
	['redisCommands', 'command'],
];
const streams: readonly Noun[] = [
	['objectCalls', 'object call'],
	['objectSockets', 'socket'],
	['objectMessages', 'message'],
	['objectAlarms', 'alarm'],
];

const rowsOfStreams: readonly Noun[] = [
	['objectRowsRead', 'row read', 'rows read'],
	['objectRowsWritten', 'row written', 'rows written'],
];

/** What is counted at all managers, those of the streams among them. */
export function inWords(counts: OperationCounts): string {
	const rows = amounts(counts, rowsOfStreams).join(', ');
	const words = [...parts(counts), ...amounts(counts, streams)].join(', ') || 'none';
	return rows === '' ? words : `${words}: ${rows}`;
}

/** The same without the streams: what was asked of the store of the sessions, and what it did for that. */
export function storageInWords(counts: OperationCounts): string {
	const detail = amounts(counts, details).join(', ');
	const words = parts(counts).join(', ') || 'none';
	return detail === '' ? words : `${words}: ${detail}`;
}

function parts(counts: OperationCounts): string[] {
	const read = amounts(counts, reads).join(', ');
	const total = reads.reduce((sum, [operation]) => sum + (counts[operation] ?? 0), 0);
	const sequence = counts.readsInSequence ?? 0;
	const order =
		sequence > 1 ? ` (${sequence} in sequence)` : sequence === 1 && total > 1 ? ' (at once)' : '';
	return [...(read === '' ? [] : [read + order]), ...amounts(counts, changes)];
}

function amounts(counts: OperationCounts, nouns: readonly Noun[]): string[] {
	return nouns.flatMap(([operation, one, many = `${one}s`]) => {
		const count = counts[operation] ?? 0;
		return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];
	});
}
