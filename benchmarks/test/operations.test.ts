import { beforeAll, describe, expect, test } from 'vitest';
import { countOperations } from '../src/operations/count-operations.ts';
import type { Operations } from '../src/operations/count-operations.ts';
import { noOperations } from '../src/operations/operation-counts.ts';
import type { OperationCounts } from '../src/operations/operation-counts.ts';
import { operationsTable } from '../src/operations/operations-table.ts';
import { readmeSection, readResult } from '../src/results.ts';

const regenerate = 'npm run operations -- --write';
const oneRead: Partial<OperationCounts> = { kvReads: 1, kvReadsInSequence: 1 };
const threeReads: Partial<OperationCounts> = { kvReads: 3, kvReadsInSequence: 3 };

/** What ours does for each kind of request; whatever is not named is 0. */
const ours: Record<string, Partial<OperationCounts>> = {
	initialize: { kvWrites: 1 },
	'notifications/initialized': oneRead,
	'tools/list': oneRead,
	'tools/call, session era': oneRead,
	'tools/call, 2026-07-28': {},
	'logging/setLevel': { kvReads: 3, kvReadsInSequence: 2, kvWrites: 1 },
	'GET stream opened': { objectSockets: 1 },
	'resources/subscribe': { ...oneRead, kvWrites: 2 },
	'a resource update told to 1 subscriber': { kvLists: 1, kvReadsInSequence: 1, objectCalls: 2 },
	'a list change told to all': { objectCalls: 2 },
	'resources/unsubscribe': { ...oneRead, kvDeletes: 2 },
	'DELETE with 2 subscriptions': {
		kvReads: 1,
		kvLists: 1,
		kvReadsInSequence: 2,
		kvWrites: 2,
		kvDeletes: 4,
		objectCalls: 1,
	},
};

let operations: Operations;
beforeAll(async () => {
	operations = await countOperations();
});

describe.each(['ours-http', 'ours-bare'] as const)('the managers in %s', (contender) => {
	test.each(Object.entries(ours))('%s costs exactly what is expected', (kind, expected) => {
		expect(operations[contender][kind]).toEqual({ ...noOperations(), ...expected });
	});

	test('ending a session costs the same beside 50 other subscribers', () => {
		const counts = operations[contender];
		expect(counts['DELETE with 2 subscriptions beside 50 other subscribers']).toEqual(
			counts['DELETE with 2 subscriptions'],
		);
	});
});

describe('@tmcp/session-manager-durable-objects as published, which the same counter sees', () => {
	test('writes twice for initialize', () => {
		expect(operations.upstream['initialize']).toEqual({ ...noOperations(), kvWrites: 2 });
	});

	test('reads three times in sequence for a tool call', () => {
		expect(operations.upstream['tools/call, session era']).toEqual({
			...noOperations(),
			...threeReads,
		});
	});
});

describe('what is published', () => {
	test(`results/operations.json is what is counted, else ${regenerate}`, () => {
		expect(readResult('operations')).toEqual(operations);
	});

	test(`the table in the README is what is counted, else ${regenerate}`, () => {
		expect(readmeSection('operations').text).toBe(operationsTable(operations));
	});
});
