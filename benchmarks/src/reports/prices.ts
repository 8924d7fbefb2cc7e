import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation, OperationCounts } from '../operations/counts.ts';

type Prices = Readonly<Partial<Record<Operation, number>>>;

/** The price lists. */
export const priceSources: readonly string[] = [
	'https://developers.cloudflare.com/kv/platform/pricing/',
	'https://developers.cloudflare.com/durable-objects/platform/pricing/',
	'https://developers.cloudflare.com/workflows/reference/pricing/',
	'https://developers.cloudflare.com/queues/platform/pricing/',
	'https://upstash.com/pricing/redis',
];

/**
 * Dollars for a million, of November 2026, on Cloudflare's paid plan, beyond the included amounts, and
 * Upstash's pay as you go. Not priced: requests to the Worker, which are the same with every store; the
 * duration of objects, which is billed while one runs or idles without hibernation; and stored data.
 */
const storePrices: Prices = {
	kvReads: 0.5,
	kvLists: 5,
	kvWrites: 5,
	kvDeletes: 5,
	shardReads: 0.15,
	shardWrites: 0.15,
	rowsRead: 0.001,
	rowsWritten: 1,
	redisCommands: 2,
};
/** The same with the objects that hold streams or whole sessions. Messages from an object are free. */
const prices: Prices = {
	...storePrices,
	objectCalls: 0.15,
	objectSockets: 0.15,
	objectAlarms: 0.15,
	objectMessages: 0.15 / 20,
	workflowInstances: 0.3,
	// A message is written, read and deleted: three operations.
	queueMessages: 3 * 0.4,
	objectRowsRead: 0.001,
	objectRowsWritten: 1,
};
/** The price of data stored in SQLite, for a GB and a month. Deleting it is free. */
const OBJECT_GB_MONTH = 0.2;
/** The price of the memory of an object for a second, in which it runs or cannot hibernate. */
const OBJECT_SECOND = (12.5 / 1e6) * 0.128;

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
	return (bytes / 1e9) * OBJECT_GB_MONTH;
}

/** Returns the price of an object that works for this time, in dollars. */
export function durationDollars(seconds: number): number {
	return seconds * OBJECT_SECOND;
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
	const file = join(import.meta.dirname, '../../../packages/info-durable-object/README.md');
	const row =
		/^\| removing (?:a session that expired|an expired session) +\| 0 +\| (\d+) +\| (\d+) +\|$/m;
	const [, rowsRead, rowsWritten] = row.exec(readFileSync(file, 'utf8')) ?? [];
	if (!rowsRead || !rowsWritten) {
		throw new Error(`${file} must contain a row like ${row.source}; it does not`);
	}
	return { rowsRead: Number(rowsRead), rowsWritten: Number(rowsWritten) };
}

function sumOf(counts: OperationCounts, list: Prices): number {
	// Safe because the keys are those of the literals above.
	const names = Object.keys(list) as Operation[];
	return names.reduce((total, name) => total + (counts[name] ?? 0) * (list[name] ?? 0), 0);
}
