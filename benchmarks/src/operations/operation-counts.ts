/** What can be counted, in the order of the tables. */
const operations = [
	// Of a store in the memory of an isolate.
	'memoryReads',
	'memoryWrites',
	'memoryDeletes',
	// Of a KV namespace.
	'kvReads',
	'kvLists',
	'kvWrites',
	'kvDeletes',
	// Calls of `SessionShard`s, each a request to a Durable Object: those that change nothing, and others.
	'shardReads',
	'shardWrites',
	// What the cursors of all `SessionShard`s have counted, and a row written for each alarm that is set.
	'rowsRead',
	'rowsWritten',
	// HTTP requests to Redis with one command or with one script.
	'redisReads',
	'redisScripts',
	// What Redis has run for these requests: a script itself and each command in it count 1.
	'redisCommands',
	// How many reads and lists had to wait for one another. Not counted for Redis.
	'readsInSequence',
	// Calls of the methods of the object that holds the streams, and WebSockets opened to it.
	'objectCalls',
	'objectSockets',
	// Messages that the object got over these sockets.
	'objectMessages',
	// Alarms of that object that went off.
	'objectAlarms',
	// As above, of that object: rows, keys and alarms that are set.
	'objectRowsRead',
	'objectRowsWritten',
] as const;

/** One of what can be counted. */
export type Operation = (typeof operations)[number];

/** How many of each; what is not named did not happen. */
export type OperationCounts = Partial<Record<Operation, number>>;

/** Adds counts: of several places, or of several requests. */
export function addCounts(...parts: readonly OperationCounts[]): OperationCounts {
	const sums: OperationCounts = {};
	for (const operation of operations) {
		const sum = parts.reduce((total, part) => total + (part[operation] ?? 0), 0);
		if (sum > 0) sums[operation] = sum;
	}
	return sums;
}
