import { createCountedDurableObject, ObjectRpcCounter } from '@tmcp-sessions/testkit';
import { reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { DurableObjectSessionStore } from '../src/index.ts';
import { contentsOf, namespace, oneObject, stubOf } from './shards.ts';
import readme from '../README.md?raw';

const HOUR_MS = 3_600_000;

/** The cost of an operation, in the units of Cloudflare's price list. */
interface Cost {
	readonly calls: number;
	readonly rowsRead: number;
	/** Includes the row write of `setAlarm`. */
	readonly rowsWritten: number;
}

const counter = new ObjectRpcCounter();
/** Uses a single object, whose rows are counted. */
const store = new DurableObjectSessionStore(
	createCountedDurableObject(oneObject(namespace), counter),
);
/** Two uris that hash to the same of 16 objects. */
const [uri, uriBesideIt] = ['test://a', 'test://o'];

beforeEach(() => reset());

function record(): Parameters<typeof store.create>[1] {
	return {
		createdAtMs: Date.now(),
		expiresAtMs: Date.now() + 24 * HOUR_MS,
		clientInfo: { name: 'claude-code', title: 'Claude Code', version: '2.1.14' },
		clientCapabilities: { roots: { listChanged: true }, sampling: {}, elicitation: {} },
	};
}

/** Returns the cost of `run`. */
async function costOf(run: () => Promise<unknown>): Promise<Cost> {
	const cursors: SqlStorageCursor<never>[] = [];
	let alarms = 0;
	const restore = await runInDurableObject(stubOf(0), (_object, { storage }) => {
		const { sql } = storage;
		const [exec, setAlarm] = [sql.exec.bind(sql), storage.setAlarm.bind(storage)];
		sql.exec = (...args) => {
			const cursor = exec(...args);
			cursors.push(cursor as unknown as SqlStorageCursor<never>); // Safe because its rows are not read.
			return cursor as never;
		};
		storage.setAlarm = (...args) => {
			alarms++;
			return setAlarm(...args);
		};
		return () => Object.assign(storage, { setAlarm }) && Object.assign(sql, { exec });
	});
	counter.take();
	await run();
	await runInDurableObject(stubOf(0), () => void restore());
	const sum = (field: 'rowsRead' | 'rowsWritten'): number =>
		cursors.reduce((total, cursor) => total + cursor[field], 0);
	return {
		calls: counter.take().length,
		rowsRead: sum('rowsRead'),
		rowsWritten: sum('rowsWritten') + alarms,
	};
}

/** Returns a line of the table in the README. */
function documentedCost(name: string): Cost {
	const line = readme.split('\n').find((each) => each.startsWith(`| ${name} `)) ?? '';
	const [calls, rowsRead, rowsWritten] = line.split('|').slice(2).map(Number);
	return { calls: calls ?? NaN, rowsRead: rowsRead ?? NaN, rowsWritten: rowsWritten ?? NaN };
}

describe('the cost in the README', () => {
	const untilMs = Date.now() + 720 * HOUR_MS;
	const operations: [string, () => Promise<unknown>][] = [
		['`initialize`', () => store.create('a', record())],
		['any other request of a session', () => store.read('a')],
		['a request with an unknown id', () => store.read('never')],
		['`logging/setLevel`', () => store.update('a', { logLevel: 'info' })],
		[
			'extending a session in use',
			() => store.update('a', { expiresAtMs: Date.now() + 25 * HOUR_MS }),
		],
		['subscribing to a resource', () => store.subscribe('a', uri, untilMs)],
		['subscribing again in the same object', () => store.subscribe('a', uriBesideIt, untilMs)],
		['unsubscribing', () => store.unsubscribe('a', uriBesideIt)],
		['finding 100 subscribers of a resource', () => store.subscribers('test://100')],
		['ending a session with 1 subscription', () => store.delete('a')],
		['ending a session without subscriptions', () => store.delete('first')],
		['claiming a single-use id', () => store.claim('once', untilMs)],
		['claiming a used id', () => store.claim('once', untilMs)],
	];

	it.each(operations.map(([name], index) => [name, index] as const))(
		'holds for %s',
		async (name, index) => {
			await store.create('first', record());
			for (const [before, run] of operations.slice(0, index)) {
				if (before.includes('finding 100')) continue;
				await run();
			}
			if (name.includes('finding 100')) {
				for (let each = 0; each < 100; each++) {
					await store.subscribe(`${each}`, 'test://100', untilMs);
				}
			}
			const cost = await costOf(operations[index]?.[1] ?? expect.fail);
			expect(cost).toEqual(documentedCost(name));
		},
	);

	it('holds for each of 100 sessions that an alarm removes', async () => {
		for (let each = 0; each < 100; each++) {
			await store.create(`${each}`, { ...record(), expiresAtMs: Date.now() + 1 });
		}
		await store.create('last', record());
		vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1_000 });
		const { rowsRead, rowsWritten } = await costOf(() => runDurableObjectAlarm(stubOf(0)));
		vi.useRealTimers();
		expect((await contentsOf(stubOf(0))).sessions).toBe(1);
		expect({
			calls: 0,
			rowsRead: Math.round(rowsRead / 100),
			rowsWritten: Math.round(rowsWritten / 100),
		}).toEqual(documentedCost('removing an expired session'));
	});

	it('holds for the bytes of a session and of a subscription', async () => {
		const bytes = async (): Promise<number> => (await contentsOf(stubOf(0))).bytes;
		const ids = Array.from({ length: 1_000 }, () => crypto.randomUUID());
		await store.create('first', record());
		const sizes = [await bytes()];
		await Promise.all(ids.map((id) => store.create(id, record())));
		sizes.push(await bytes());
		await Promise.all(ids.map((id) => store.subscribe(id, 'test://a', untilMs)));
		sizes.push(await bytes());
		const found = /some (\d+) bytes for a session .* and (\d+) for each of its subscriptions/;
		for (const [index, documented] of (found.exec(readme) ?? []).slice(1).entries()) {
			const each = ((sizes[index + 1] ?? NaN) - (sizes[index] ?? NaN)) / ids.length;
			// The ids are random, and so is the fill level of the pages.
			const ratio = each / Number(documented);
			expect(Math.abs(ratio - 1), `${each} bytes, not ${documented}`).toBeLessThan(0.15);
		}
		expect(found.exec(readme)).not.toBeNull();
	}, 30_000);
});
