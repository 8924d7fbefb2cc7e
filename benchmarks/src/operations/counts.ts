/** Every operation that is counted, with its noun, in the order of the tables. */
const nouns = {
	// A store in the memory of an isolate, and a KV namespace.
	memoryReads: 'memory read',
	memoryWrites: 'memory write',
	memoryDeletes: 'memory delete',
	kvReads: 'KV read',
	kvLists: 'KV list',
	kvWrites: 'KV write',
	kvDeletes: 'KV delete',
	// RPCs to `SessionShard`s, each a request to a Durable Object: those that only read, and others.
	shardReads: 'shard read',
	shardWrites: 'shard write',
	// Rows counted by the cursors of all `SessionShard`s, and one row written for each `setAlarm`.
	rowsRead: 'row read',
	rowsWritten: 'row written',
	// HTTP requests to Redis with one command or with one script.
	redisReads: 'Redis read',
	redisScripts: 'Redis script',
	// Commands that Redis ran: a script counts one, and so does each command in it.
	redisCommands: 'command',
	// Reads and lists that waited for one another. Not counted for Redis.
	readsInSequence: 'read in sequence',
	// RPCs to the object that holds the streams, WebSockets opened to it, its messages and its alarms.
	objectCalls: 'RPC',
	objectSockets: 'socket',
	objectMessages: 'message',
	objectAlarms: 'alarm',
	// Instances of a Workflow, without what the platform does for their steps.
	workflowInstances: 'Workflow instance',
	// Messages sent to a queue.
	queueMessages: 'queue message',
	// Rows, keys and `setAlarm`s of that object.
	objectRowsRead: 'row read',
	objectRowsWritten: 'row written',
} as const;

/** The name of an operation. */
export type Operation = keyof typeof nouns;
/** Operations with their numbers; an operation that did not happen is absent. */
export type OperationCounts = Partial<Record<Operation, number>>;

const reads = ['memoryReads', 'kvReads', 'kvLists', 'shardReads', 'redisReads'] as const;
const writes = [
	'memoryWrites',
	'memoryDeletes',
	'kvWrites',
	'kvDeletes',
	'shardWrites',
	'redisScripts',
] as const;
const details = ['rowsRead', 'rowsWritten', 'redisCommands'] as const;
const streams = [
	'objectCalls',
	'objectSockets',
	'objectMessages',
	'objectAlarms',
	'workflowInstances',
	'queueMessages',
] as const;
const streamRows = ['objectRowsRead', 'objectRowsWritten'] as const;

/** Adds up counts of several places or of several requests. */
export function addCounts(...all: readonly OperationCounts[]): OperationCounts {
	const sums: OperationCounts = {};
	// Safe because the keys are those of the literal above.
	for (const operation of Object.keys(nouns) as Operation[]) {
		const sum = all.reduce((total, counts) => total + (counts[operation] ?? 0), 0);
		if (sum > 0) sums[operation] = sum;
	}
	return sums;
}

/** Multiplies counts. */
export function times(count: number, counts: OperationCounts): OperationCounts {
	return addCounts(...Array.from({ length: count }, () => counts));
}

/** Describes all operations, those of the streams among them. */
export function describeCounts(counts: OperationCounts): string {
	return withDetail(
		[...storageAmounts(counts), ...amounts(counts, streams)],
		amounts(counts, streamRows),
	);
}

/** Describes the operations of the session store, without those of the streams. */
export function describeStorage(counts: OperationCounts): string {
	return withDetail(storageAmounts(counts), amounts(counts, details));
}

function withDetail(amountsOf: readonly string[], detail: readonly string[]): string {
	const texts = [amountsOf, detail].map((each) => each.join(', ')).filter((text) => text !== '');
	return texts.join(': ') || 'none';
}

function storageAmounts(counts: OperationCounts): string[] {
	const read = amounts(counts, reads).join(', ');
	const total = reads.reduce((sum, operation) => sum + (counts[operation] ?? 0), 0);
	const { readsInSequence = 0 } = counts;
	const isParallel = readsInSequence === 1 && total > 1;
	const order = readsInSequence > 1 ? ` (${readsInSequence} in sequence)` : '';
	return [
		...(read === '' ? [] : [read + (isParallel ? ' (parallel)' : order)]),
		...amounts(counts, writes),
	];
}

function amounts(counts: OperationCounts, operations: readonly Operation[]): string[] {
	return operations.flatMap((operation) => {
		const count = counts[operation] ?? 0;
		const noun = nouns[operation];
		const plural = noun.startsWith('row ') ? noun.replace('row', 'rows') : `${noun}s`;
		return count === 0 ? [] : [`${count} ${count === 1 ? noun : plural}`];
	});
}
