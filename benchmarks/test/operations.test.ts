import { beforeAll, describe, expect, test } from 'vitest';
import { storeDollarsForAMillion } from '../src/comparison/prices.ts';
import { readCapabilities } from '../src/comparison/read-capabilities.ts';
import type { DeclaredCapabilities } from '../src/comparison/read-capabilities.ts';
import type { InfoManagerName } from '../src/contenders/info-managers.ts';
import { countOperations } from '../src/operations/count-operations.ts';
import type { Operations } from '../src/operations/count-operations.ts';
import type { OperationCounts } from '../src/operations/operation-counts.ts';
import { contenderOfManager } from '../src/contenders.ts';
import { readResult } from '../src/results.ts';

const regenerate = 'npm run operations -- --write';
const oneRead: OperationCounts = { kvReads: 1, readsInSequence: 1 };
const threeReads: OperationCounts = { kvReads: 3, readsInSequence: 3 };

/** One row in the log, whatever the number of streams. */
const toldToAll: OperationCounts = { objectCalls: 1, objectRowsRead: 4, objectRowsWritten: 1 };

/** What our managers do for each kind of request, behind a bare transport. */
const bare: Record<string, OperationCounts> = {
	initialize: { kvWrites: 1 },
	'notifications/initialized': oneRead,
	'tools/list': oneRead,
	'tools/call, session era': oneRead,
	'tools/call, 2026-07-28': {},
	'logging/setLevel': { kvReads: 3, readsInSequence: 2, kvWrites: 1 },
	'GET stream opened': { objectSockets: 1, objectRowsRead: 2, objectRowsWritten: 1 },
	'resources/subscribe': { ...oneRead, kvWrites: 2 },
	'a resource update told to 1 subscriber': {
		kvLists: 1,
		readsInSequence: 1,
		objectCalls: 2,
		objectRowsRead: 3,
		objectRowsWritten: 1,
	},
	'a list change told to all': toldToAll,
	'a list change told to all beside 50 other streams': toldToAll,
	'resources/unsubscribe': { ...oneRead, kvDeletes: 2 },
	DELETE: {
		kvReads: 1,
		kvLists: 1,
		readsInSequence: 2,
		kvWrites: 2,
		objectCalls: 1,
		objectRowsRead: 1,
	},
	'DELETE with 2 subscriptions': {
		kvReads: 1,
		kvLists: 1,
		readsInSequence: 2,
		kvWrites: 2,
		kvDeletes: 4,
		objectCalls: 1,
		objectRowsRead: 1,
	},
};

/** The same through the handler, which asks first whether the session is live, and tells both eras of a change at once. */
const throughHttp: Record<string, OperationCounts> = {
	...bare,
	'a resource update told to 1 subscriber': {
		...bare['a resource update told to 1 subscriber'],
		objectCalls: 1,
	},
	'GET stream opened': { ...bare['GET stream opened'], ...oneRead },
	DELETE: { ...bare['DELETE'], kvReads: 2, readsInSequence: 3 },
	'DELETE with 2 subscriptions': {
		...bare['DELETE with 2 subscriptions'],
		kvReads: 2,
		readsInSequence: 3,
	},
};

/** What `initialize` and a tool call cost in a session with each info manager. */
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
	test.each(Object.entries(costs))('%s costs exactly what is expected', (kind, expected) => {
		expect(operations[contender][kind]).toEqual(expected);
	});

	test('ending a session costs the same beside 50 other subscribers', () => {
		const counts = operations[contender];
		expect(counts['DELETE with 2 subscriptions beside 50 other subscribers']).toEqual(
			counts['DELETE with 2 subscriptions'],
		);
	});
});

// Sound: the keys are those of the literal above.
describe.each(Object.keys(leastCosts) as InfoManagerName[])('the info manager %s', (name) => {
	const [initialize, call] = leastCosts[name];

	test('writes once to each store for initialize, and reads nothing', () => {
		expect(operations[contenderOfManager[name]]['initialize']).toEqual(initialize);
	});

	test('reads once for a tool call, at the same time where it has two stores', () => {
		expect(operations[contenderOfManager[name]]['tools/call, session era']).toEqual(call);
	});

	test('asks as many times to end a session beside 50 other subscribers', () => {
		const counts = operations[contenderOfManager[name]];
		const {
			rowsRead: _rows,
			objectRowsRead: _streamRows,
			...alone
		} = counts['DELETE with 2 subscriptions'] ?? {};
		expect(counts['DELETE with 2 subscriptions beside 50 other subscribers']).toMatchObject(alone);
	});
});

describe('@tmcp/session-manager-durable-objects as published, which the same counter sees', () => {
	test('writes twice for initialize', () => {
		expect(operations.upstream['initialize']).toEqual({ kvWrites: 2 });
	});

	test('reads three times in sequence for a tool call', () => {
		expect(operations.upstream['tools/call, session era']).toEqual(threeReads);
	});
});

describe('the object of a session with its whole server in it', () => {
	test('is called once for a tool call, and reads and writes no row', () => {
		expect(operations['session-object']['tools/call, session era']).toEqual({ objectCalls: 1 });
	});

	test('has one alarm a day while its stream is idle, which moves the object’s end, the session’s and itself', () => {
		expect(operations['session-object']['a day with an idle stream']).toMatchObject({
			objectAlarms: 1,
			objectRowsWritten: 3,
		});
	});

	test('is emptied by an alarm after its end', () => {
		expect(operations['session-object']['DELETE']).toMatchObject({ objectAlarms: 1 });
	});
});

describe('what is published', () => {
	test(`results/operations.json is what is counted, else ${regenerate}`, () => {
		expect(readResult('operations')).toEqual(operations);
	});

	test(`results/capabilities.json is what the stores declare, else ${regenerate}`, () => {
		expect(readResult('capabilities')).toEqual(capabilities);
	});

	test('a call costs less with Durable Objects than with KV, with Upstash most, as docs/choosing.md says', () => {
		const dollars = (name: InfoManagerName): number =>
			storeDollarsForAMillion(
				operations[contenderOfManager[name]]['tools/call, session era'] ?? expect.fail(),
			);
		expect(dollars('durable-object')).toBeLessThan(dollars('kv'));
		expect(dollars('kv')).toBeLessThan(dollars('upstash'));
	});
});
