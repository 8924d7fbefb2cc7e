import type { Operation, OperationCounts } from '../operations/operation-counts.ts';

/** What a million of something costs, and who says so. */
interface Price {
	readonly dollarsPerMillion: number;
	/** As the price list calls what is paid for. */
	readonly unit: string;
	readonly source: string;
}

const kvSource = 'https://developers.cloudflare.com/kv/platform/pricing/';
const objectSource = 'https://developers.cloudflare.com/durable-objects/platform/pricing/';

const kvRead = { dollarsPerMillion: 0.5, unit: 'keys read', source: kvSource };
const kvWrite = { dollarsPerMillion: 5, unit: 'keys written', source: kvSource };
const kvDelete = { dollarsPerMillion: 5, unit: 'keys deleted', source: kvSource };
const kvList = { dollarsPerMillion: 5, unit: 'list requests', source: kvSource };
const objectRequest = { dollarsPerMillion: 0.15, unit: 'requests', source: objectSource };
const rowRead = { dollarsPerMillion: 0.001, unit: 'rows read', source: objectSource };
const rowWritten = { dollarsPerMillion: 1, unit: 'rows written', source: objectSource };
/** Pay as you go, 0.20 dollars for 100,000. */
const redisCommand = {
	dollarsPerMillion: 2,
	unit: 'commands',
	source: 'https://upstash.com/pricing/redis',
};

/**
 * The price lists as of November 2026, on Cloudflare's paid plan, beyond what is included. Left out:
 * requests to the Worker, which are the same with every store; the duration of objects, which is
 * billed while one is at work or idle without hibernation; what is stored; and the streams.
 */
const storePrices: Readonly<Partial<Record<Operation, Price>>> = {
	kvReads: kvRead,
	kvLists: kvList,
	kvWrites: kvWrite,
	kvDeletes: kvDelete,
	shardReads: objectRequest,
	shardWrites: objectRequest,
	rowsRead: rowRead,
	rowsWritten: rowWritten,
	redisCommands: redisCommand,
};

/** What is stored in SQLite, in dollars for a GB for a month. Deleting it is free. */
const OBJECT_GB_MONTH = 0.2;
/** As Cloudflare measures it. */
const BYTES_OF_A_GB = 1e9;

/** The same with the objects that hold streams, or whole sessions. Messages out of them are free. */
const prices: typeof storePrices = {
	...storePrices,
	objectCalls: objectRequest,
	objectSockets: objectRequest,
	objectAlarms: objectRequest,
	objectMessages: { ...objectRequest, dollarsPerMillion: objectRequest.dollarsPerMillion / 20 },
	objectRowsRead: rowRead,
	objectRowsWritten: rowWritten,
};

/** What a million times these operations cost in the store of the sessions, in dollars. */
export function storeDollarsForAMillion(counts: OperationCounts): number {
	return sum(counts, storePrices);
}

/** What a million times these operations cost, in dollars. */
export function dollarsForAMillion(counts: OperationCounts): number {
	return sum(counts, prices);
}

/** What it costs to store so much in Durable Objects for a month, in dollars. */
export function costOfStorage(bytes: number): number {
	return (bytes / BYTES_OF_A_GB) * OBJECT_GB_MONTH;
}

/** The price lists, as links. */
export function priceSources(): string[] {
	const sources = new Set(Object.values(prices).map(({ source }) => source));
	return [...sources].map((source) => `<${source}>`);
}

function sum(counts: OperationCounts, of: typeof storePrices): number {
	return Object.entries(of).reduce(
		// Sound: the keys are those of the literals above.
		(total, [name, price]) => total + (counts[name as Operation] ?? 0) * price.dollarsPerMillion,
		0,
	);
}
