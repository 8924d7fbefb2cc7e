import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation, OperationCounts } from '../operations/operation-counts.ts';

interface Price {
	readonly dollarsPerMillion: number;
	/** The unit's name in the price list. */
	readonly unit: string;
	readonly source: string;
}

const kvSource = 'https://developers.cloudflare.com/kv/platform/pricing/';
const objectSource = 'https://developers.cloudflare.com/durable-objects/platform/pricing/';
const redisSource = 'https://upstash.com/pricing/redis';

const kvRead = { dollarsPerMillion: 0.5, unit: 'keys read', source: kvSource };
const kvWrite = { dollarsPerMillion: 5, unit: 'keys written', source: kvSource };
const kvDelete = { dollarsPerMillion: 5, unit: 'keys deleted', source: kvSource };
const kvList = { dollarsPerMillion: 5, unit: 'list requests', source: kvSource };
const objectRequest = { dollarsPerMillion: 0.15, unit: 'requests', source: objectSource };
const rowRead = { dollarsPerMillion: 0.001, unit: 'rows read', source: objectSource };
const rowWritten = { dollarsPerMillion: 1, unit: 'rows written', source: objectSource };
/** Pay as you go: $0.20 for 100,000. */
const redisCommand = { dollarsPerMillion: 2, unit: 'commands', source: redisSource };

/**
 * The price lists of November 2026, on Cloudflare's paid plan, beyond the included amounts. Not priced:
 * requests to the Worker, which are the same with every store; the duration of objects, which is billed
 * while one runs or idles without hibernation; stored data; and the streams.
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

/** The price of data stored in SQLite, in dollars for a GB and a month. Deleting it is free. */
const OBJECT_GB_MONTH = 0.2;
/** Cloudflare's GB. */
const BYTES_PER_GB = 1e9;

/** The same with the objects that hold streams or whole sessions. Messages from an object are free. */
const prices: typeof storePrices = {
	...storePrices,
	objectCalls: objectRequest,
	objectSockets: objectRequest,
	objectAlarms: objectRequest,
	objectMessages: { ...objectRequest, dollarsPerMillion: objectRequest.dollarsPerMillion / 20 },
	objectRowsRead: rowRead,
	objectRowsWritten: rowWritten,
};

const shardReadme = join(import.meta.dirname, '../../../packages/info-durable-object/README.md');
const expiryRow =
	/^\| removing (?:a session that expired|an expired session) +\| 0 +\| (\d+) +\| (\d+) +\|$/m;

/** Returns the price of these operations a million times in the session store, in dollars. */
export function storeDollarsPerMillion(counts: OperationCounts): number {
	return sumOf(counts, storePrices);
}

/** Returns the price of these operations a million times, in dollars. */
export function dollarsPerMillion(counts: OperationCounts): number {
	return sumOf(counts, prices);
}

/** Returns the price of storing data in Durable Objects for a month, in dollars. */
export function storageDollars(bytes: number): number {
	return (bytes / BYTES_PER_GB) * OBJECT_GB_MONTH;
}

/** Returns the price lists as links. */
export function priceSources(): string[] {
	const sources = new Set(Object.values(prices).map(({ source }) => source));
	return [...sources].map((source) => `<${source}>`);
}

/** Formats an amount. */
export function formatDollars(amount: number): string {
	return `$${amount.toFixed(2)}`;
}

/**
 * Returns the operations of a shard's alarm for each expired session. The alarm runs a day later, so
 * they are not counted here but read from the package's README, which its tests compare with a count.
 * The alarm's own request, one for up to 100 sessions, is left out.
 */
export function expiryCounts(): OperationCounts {
	const [, rowsRead, rowsWritten] = expiryRow.exec(readFileSync(shardReadme, 'utf8')) ?? [];
	if (!rowsRead || !rowsWritten) {
		throw new Error(`${shardReadme} must contain a row like ${expiryRow.source}; it does not`);
	}
	return { rowsRead: Number(rowsRead), rowsWritten: Number(rowsWritten) };
}

function sumOf(counts: OperationCounts, list: typeof storePrices): number {
	return Object.entries(list).reduce(
		// Safe because the keys are those of the literals above.
		(total, [name, price]) => total + (counts[name as Operation] ?? 0) * price.dollarsPerMillion,
		0,
	);
}
