/** Every operation that is counted, in the order of the tables. */
const operations = [
	// A store in the memory of an isolate.
	'memoryReads',
	'memoryWrites',
	'memoryDeletes',
	// A KV namespace.
	'kvReads',
	'kvLists',
	'kvWrites',
	'kvDeletes',
	// RPCs to `SessionShard`s, each a request to a Durable Object: those that only read, and others.
	'shardReads',
	'shardWrites',
	// Rows counted by the cursors of all `SessionShard`s, and one row written for each `setAlarm`.
	'rowsRead',
	'rowsWritten',
	// HTTP requests to Redis with one command or with one script.
	'redisReads',
	'redisScripts',
	// Commands that Redis ran: a script counts one, and so does each command in it.
	'redisCommands',
	// Reads and lists that waited for one another. Not counted for Redis.
	'readsInSequence',
	// RPCs to the object that holds the streams, and WebSockets opened to it.
	'objectCalls',
	'objectSockets',
	// Messages that the object received over these sockets.
	'objectMessages',
	// Alarms of that object.
	'objectAlarms',
	// Rows, keys and `setAlarm`s of that object.
	'objectRowsRead',
	'objectRowsWritten',
] as const;

/** The name of an operation. */
export type Operation = (typeof operations)[number];

/** Operations with their numbers; an operation that did not happen is absent. */
export type OperationCounts = Partial<Record<Operation, number>>;

type Noun = readonly [Operation, one: string, many?: string];

const reads: readonly Noun[] = [
	['memoryReads', 'memory read'],
	['kvReads', 'KV read'],
	['kvLists', 'KV list'],
	['shardReads', 'shard read'],
	['redisReads', 'Redis read'],
];
const writes: readonly Noun[] = [
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
	['objectCalls', 'RPC'],
	['objectSockets', 'socket'],
	['objectMessages', 'message'],
	['objectAlarms', 'alarm'],
];
const streamRows: readonly Noun[] = [
	['objectRowsRead', 'row read', 'rows read'],
	['objectRowsWritten', 'row written', 'rows written'],
];

/** Adds up counts of several places or of several requests. */
export function addCounts(...all: readonly OperationCounts[]): OperationCounts {
	const sums: OperationCounts = {};
	for (const operation of operations) {
		const sum = all.reduce((total, counts) => total + (counts[operation] ?? 0), 0);
		if (sum > 0) sums[operation] = sum;
	}
	return sums;
}

/** Describes all operations, those of the streams among them. */
export function describeCounts(counts: OperationCounts): string {
	const rows = amounts(counts, streamRows).join(', ');
	const words = [...storageAmounts(counts), ...amounts(counts, streams)].join(', ') || 'none';
	return rows === '' ? words : `${words}: ${rows}`;
}

/** Describes the operations of the session store, without those of the streams. */
export function describeStorage(counts: OperationCounts): string {
	const detail = amounts(counts, details).join(', ');
	const words = storageAmounts(counts).join(', ') || 'none';
	return detail === '' ? words : `${words}: ${detail}`;
}

function storageAmounts(counts: OperationCounts): string[] {
	const read = amounts(counts, reads).join(', ');
	const total = reads.reduce((sum, [operation]) => sum + (counts[operation] ?? 0), 0);
	const sequence = counts.readsInSequence ?? 0;
	const order =
		sequence > 1 ? ` (${sequence} in sequence)` : sequence === 1 && total > 1 ? ' (parallel)' : '';
	return [...(read === '' ? [] : [read + order]), ...amounts(counts, writes)];
}

function amounts(counts: OperationCounts, nouns: readonly Noun[]): string[] {
	return nouns.flatMap(([operation, one, many = `${one}s`]) => {
		const count = counts[operation] ?? 0;
		return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];
	});
}
