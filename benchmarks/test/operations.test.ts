import { beforeAll, describe, expect, test } from 'vitest';
import { storeDollarsPerMillion } from '../src/reports/prices.ts';
import { readCapabilities } from '../src/operations/read-capabilities.ts';
import type { DeclaredCapabilities } from '../src/operations/read-capabilities.ts';
import { countOperations } from '../src/operations/count-operations.ts';
import type { Operations } from '../src/operations/count-operations.ts';
import type { OperationCounts } from '../src/operations/counts.ts';
import { contenderOfManager } from '../src/contenders.ts';
import type { InfoManagerName } from '../src/contenders.ts';
import { readResult } from '../src/reports/results.ts';
import { repeatedDifferences } from './repeated-differences.ts';

const regenerate = 'npm run operations -- --write';
const oneRead: OperationCounts = { kvReads: 1, readsInSequence: 1 };
const threeReads: OperationCounts = { kvReads: 3, readsInSequence: 3 };

/** One row in the log, whatever the number of streams. */
const broadcast: OperationCounts = { objectCalls: 1, objectRowsRead: 4, objectRowsWritten: 1 };
const update = { ...broadcast, kvLists: 1, readsInSequence: 1, objectCalls: 2, objectRowsRead: 3 };
const end = {
	kvReads: 1,
	kvLists: 1,
	readsInSequence: 2,
	kvWrites: 2,
	objectCalls: 1,
	objectRowsWritten: 1,
};
/** The first end of a session in an object also reads which sessions have events of calls. */
const firstEnd = { ...end, objectRowsRead: 1 };

/** The operations of our managers for each kind of request, behind a bare transport. */
const bare: Record<string, OperationCounts> = {
	initialize: { kvWrites: 1 },
	'notifications/initialized': oneRead,
	'tools/list': oneRead,
	'tools/call, session-based': oneRead,
	'tools/call, 2026-07-28': {},
	'logging/setLevel': { kvReads: 3, readsInSequence: 2, kvWrites: 1 },
	'GET stream': { objectSockets: 1, objectRowsRead: 3, objectRowsWritten: 1 },
	'resources/subscribe': { ...oneRead, kvWrites: 2 },
	'resource update, 1 subscriber': update,
	'list change, all sessions': broadcast,
	'list change, all sessions, beside 50 other streams': broadcast,
	'resources/unsubscribe': { ...oneRead, kvDeletes: 2 },
	DELETE: firstEnd,
	'DELETE with 2 subscriptions': { ...end, kvDeletes: 4 },
};

/** The same through the handler, which first checks that the session exists, and publishes to both eras in one RPC. */
const throughHttp: Record<string, OperationCounts> = {
	...bare,
	'resource update, 1 subscriber': { ...update, objectCalls: 1 },
	'GET stream': { ...bare['GET stream'], ...oneRead },
	DELETE: { ...firstEnd, kvReads: 2, readsInSequence: 3 },
	'DELETE with 2 subscriptions': { ...end, kvDeletes: 4, kvReads: 2, readsInSequence: 3 },
};

/** The operations of `initialize` and of a session's tool call with each info manager. */
const leastCosts: Record<InfoManagerName, [initialize: OperationCounts, call: OperationCounts]> = {
	memory: [{ memoryWrites: 1 }, { memoryReads: 1, readsInSequence: 1 }],
	kv: [{ kvWrites: 1 }, oneRead],
	'durable-object': [
		{ shardWrites: 1, rowsWritten: 2 },
		{ shardReads: 1, rowsRead: 1, readsInSequence: 1 },
	],
	mixed: [
		{ kvWrites: 1, shardWrites: 1, rowsWritten: 2 },
		{ kvReads: 1, shardReads: 1, rowsRead: 1, readsInSequence: 1 },
	],
	cached: [{ kvWrites: 1, shardWrites: 1, rowsWritten: 2 }, oneRead],
	sealed: [{}, {}],
	upstash: [
		{ redisScripts: 1, redisCommands: 3 },
		{ redisReads: 1, redisCommands: 1 },
	],
};

let operations: Operations;
let capabilities: DeclaredCapabilities;
beforeAll(async () => {
	capabilities = await readCapabilities();
	operations = await countOperations();
}, 300_000);

describe.each([
	['ours-http', throughHttp],
	['ours-bare', bare],
] as const)('the managers in %s', (contender, costs) => {
	test.each(Object.entries(costs))('%s takes exactly the expected operations', (kind, expected) => {
		expect(operations[contender][kind]).toEqual(expected);
	});

	test('end a session with the same operations beside 50 other subscribers', () => {
		const counts = operations[contender];
		expect(counts['DELETE with 2 subscriptions beside 50 other subscribers']).toEqual(
			counts['DELETE with 2 subscriptions'],
		);
	});
});

// Safe because the keys are those of the literal above.
describe.each(Object.keys(leastCosts) as InfoManagerName[])('the info manager %s', (name) => {
	const [initialize, call] = leastCosts[name];

	test('writes once to each store for initialize and reads nothing', () => {
		expect(operations[contenderOfManager[name]]['initialize']).toEqual(initialize);
	});

	test('reads once for a tool call, in parallel if it has two stores', () => {
		expect(operations[contenderOfManager[name]]['tools/call, session-based']).toEqual(call);
	});

	test('ends a session with as many operations beside 50 other subscribers', () => {
		const counts = operations[contenderOfManager[name]];
		const {
			rowsRead: _rows,
			objectRowsRead: _streamRows,
			...alone
		} = counts['DELETE with 2 subscriptions'] ?? {};
		expect(counts['DELETE with 2 subscriptions beside 50 other subscribers']).toMatchObject(alone);
	});
});

describe('the same counter at @tmcp/session-manager-durable-objects as published', () => {
	test('counts two writes for initialize', () => {
		expect(operations.upstream['initialize']).toEqual({ kvWrites: 2 });
	});

	test('counts three reads in sequence for a tool call', () => {
		expect(operations.upstream['tools/call, session-based']).toEqual(threeReads);
	});
});

describe('the object of a session that contains the whole server', () => {
	test('gets one RPC for a tool call, and reads and writes no row', () => {
		expect(operations['session-object']['tools/call, session-based']).toEqual({ objectCalls: 1 });
	});

	test('has one alarm a day while its stream is idle, which moves the expiry of the object, of the session and itself', () => {
		expect(operations['session-object']['one day of an idle stream']).toMatchObject({
			objectAlarms: 1,
			objectRowsWritten: 3,
		});
	});

	test('is emptied by an alarm after the session ends', () => {
		expect(operations['session-object']['DELETE']).toMatchObject({ objectAlarms: 1 });
	});
});

describe('the published counts', () => {
	test(`equal results/operations.json; if not, run ${regenerate}`, async () => {
		const published = readResult<Operations>('operations');
		expect(await repeatedDifferences(published, operations, countOperations)).toEqual([]);
	}, 300_000);

	test(`equal results/capabilities.json; if not, run ${regenerate}`, () => {
		expect(readResult('capabilities')).toEqual(capabilities);
	});

	test('price a call lowest with Durable Objects and highest with Upstash, as docs/choosing.md says', () => {
		const dollars = (name: InfoManagerName): number =>
			storeDollarsPerMillion(
				operations[contenderOfManager[name]]['tools/call, session-based'] ?? expect.fail(),
			);
		expect(dollars('durable-object')).toBeLessThan(dollars('kv'));
		expect(dollars('kv')).toBeLessThan(dollars('upstash'));
	});
});
