import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';

import { ChangeOutbox } from '../src/object/change-outbox.ts';
import type { ChangeOutboxOptions } from '../src/object/change-outbox.ts';
import { ChangeReceivers } from '../src/object/change-receivers.ts';
import type { DeliveryOutcome, NumberedChange } from '../src/wire/change-interests.ts';

const TOOLS = { jsonrpc: '2.0' as const, method: 'notifications/tools/list_changed', params: {} };
const updated = (uri: string) => ({
	jsonrpc: '2.0' as const,
	method: 'notifications/resources/updated',
	params: { uri },
});

type Deliver = (object: string, changes: readonly NumberedChange[]) => Promise<DeliveryOutcome>;

interface Shard {
	readonly outbox: ChangeOutbox;
	readonly receivers: ChangeReceivers;
	readonly sql: SqlStorage;
	readonly reports: unknown[];
	readonly alarms: number[];
	/** Creates the outbox of the next instance, which has nothing in memory. */
	restart(deliver: Deliver): ChangeOutbox;
}

/** Runs a function in an object with the tables of a shard. */
function inShard(deliver: Deliver, run: (shard: Shard) => Promise<void>): Promise<void> {
	const stub = env.TMCP_DURABLE_OBJECT.getByName(crypto.randomUUID());
	return runInDurableObject(stub, async (_instance, { storage: { sql } }) => {
		const [reports, alarms]: [unknown[], number[]] = [[], []];
		const create = (deliverTo: Deliver, receivers: ChangeReceivers): ChangeOutbox => {
			const options: ChangeOutboxOptions = {
				deliver: ({ object }, changes) => deliverTo(object, changes),
				setAlarm: (dueMs) => void alarms.push(dueMs),
				maxAgeMs: 600_000,
				report: (cause) => void reports.push(cause),
				onRemoved: () => {},
			};
			return new ChangeOutbox(sql, receivers, options);
		};
		const receivers = new ChangeReceivers(sql);
		await run({
			outbox: create(deliver, receivers),
			receivers,
			sql,
			reports,
			alarms,
			restart: (next) => create(next, new ChangeReceivers(sql)),
		});
	});
}

function add(receivers: ChangeReceivers, count: number, uris?: number[]): void {
	for (let each = 0; each < count; each++) {
		const interests = { kinds: ['tools' as const, ...(uris ? ['updates' as const] : [])], uris };
		receivers.set({ object: `object-${each}`, token: `token-${each}`, since: 0, interests });
	}
}

function stored(sql: SqlStorage): Record<string, SqlStorageValue>[] {
	const has = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'tmcp_changes'").toArray();
	return has.length > 0 ? sql.exec('SELECT * FROM tmcp_changes').toArray() : [];
}

describe('a shard that delivers changes', () => {
	it('sends to 1,000 objects once, and to at most 64 at the same time', async () => {
		let [active, most] = [0, 0];
		const received = new Map<string, number[]>();
		const deliver: Deliver = async (object, changes) => {
			most = Math.max(most, (active += 1));
			await new Promise((resolve) => setTimeout(resolve, 1));
			const before = received.get(object) ?? [];
			received.set(object, [...before, ...changes.map(({ sequence }) => sequence)]);
			active -= 1;
			return 'received';
		};
		await inShard(deliver, async ({ outbox, receivers, sql }) => {
			add(receivers, 1_000);
			for (let each = 0; each < 3; each++) outbox.publish(TOOLS);
			await vi.waitFor(() => expect(stored(sql)).toEqual([]), 10_000);
		});
		expect(most).toBe(64);
		expect([...received.values()]).toEqual(Array.from({ length: 1_000 }, () => [1, 2, 3]));
	});

	it('sends the changes that were published meanwhile together, in order', async () => {
		const batches: number[][] = [];
		const { promise: first, resolve } = Promise.withResolvers<void>();
		const deliver: Deliver = async (_object, changes) => {
			batches.push(changes.map(({ sequence }) => sequence));
			if (batches.length === 1) await first;
			return 'received';
		};
		await inShard(deliver, async ({ outbox, receivers, sql }) => {
			add(receivers, 1);
			outbox.publish(TOOLS);
			await vi.waitFor(() => expect(batches).toHaveLength(1));
			for (let each = 0; each < 4; each++) outbox.publish(TOOLS);
			resolve();
			await vi.waitFor(() => expect(stored(sql)).toEqual([]));
		});
		expect(batches).toEqual([[1], [2, 3, 4, 5]]);
	});

	it('does not wait for an object that does not respond, or that fails', async () => {
		const received: string[] = [];
		const { promise: hanging, resolve } = Promise.withResolvers<void>();
		let failures = 0;
		const deliver: Deliver = async (object) => {
			if (object === 'object-0') await hanging;
			if (object === 'object-1' && (failures += 1) < 4) throw new Error('unreachable');
			received.push(object);
			return 'received';
		};
		await inShard(deliver, async ({ outbox, receivers, sql }) => {
			add(receivers, 3);
			outbox.publish(TOOLS);
			outbox.publish(TOOLS);
			await vi.waitFor(() => expect(received).toEqual(['object-2']));
			await vi.waitFor(() => expect(received).toEqual(['object-2', 'object-1']), 10_000);
			resolve();
			await vi.waitFor(() => expect(stored(sql)).toEqual([]));
		});
		expect(received).toEqual(['object-2', 'object-1', 'object-0']);
	});

	it('sends to the objects that are interested only, and stores no other change', async () => {
		const received: string[] = [];
		const deliver: Deliver = async (object) => {
			received.push(object);
			return 'received';
		};
		await inShard(deliver, async ({ outbox, receivers, sql, alarms }) => {
			add(receivers, 2);
			outbox.publish(updated('notes://1'));
			expect(stored(sql)).toEqual([]);
			expect(alarms).toEqual([]);
			outbox.publish(TOOLS);
			expect(stored(sql)).toHaveLength(1);
			expect(alarms).toHaveLength(1);
			await vi.waitFor(() => expect(received).toHaveLength(2));
		});
	});

	it('removes an object that is gone', async () => {
		const deliver: Deliver = async (object) => (object === 'object-0' ? 'gone' : 'received');
		await inShard(deliver, async ({ outbox, receivers, sql }) => {
			add(receivers, 2);
			outbox.publish(TOOLS);
			await vi.waitFor(() => expect(stored(sql)).toEqual([]));
			expect(receivers.size).toBe(1);
			expect(new ChangeReceivers(sql).get('object-0')).toBeUndefined();
		});
	});

	it('continues in the next instance, with the objects that lack a change', async () => {
		const before: string[] = [];
		const fails: Deliver = async (object) => {
			if (object === 'object-1') throw new Error('unreachable');
			before.push(object);
			return 'received';
		};
		await inShard(fails, async ({ outbox, receivers, sql, restart }) => {
			add(receivers, 3);
			outbox.publish(TOOLS);
			await vi.waitFor(() => expect(stored(sql)[0]?.['receivers']).toBe('["object-1"]'));
			const after: [string, number[]][] = [];
			const next = restart(async (object, changes) => {
				after.push([object, changes.map(({ sequence }) => sequence)]);
				return 'received';
			});
			next.handleAlarm();
			await vi.waitFor(() => expect(after).toEqual([['object-1', [1]]]));
			await vi.waitFor(() => expect(stored(sql)).toEqual([]));
			// The numbers continue, so that no object takes a new change for one that it has.
			expect(restart(fails).newest).toBe(1);
		});
		expect(before).toEqual(['object-0', 'object-2']);
	});

	it('gives an object that registers again no changes of before', async () => {
		const received: number[] = [];
		const deliver: Deliver = async (_object, changes) => {
			received.push(...changes.map(({ sequence }) => sequence));
			return 'received';
		};
		await inShard(deliver, async ({ outbox, receivers, sql }) => {
			add(receivers, 1);
			outbox.publish(TOOLS);
			const interests = { kinds: ['tools' as const] };
			receivers.set({ object: 'object-0', token: 'new', since: outbox.newest, interests });
			outbox.publish(TOOLS);
			await vi.waitFor(() => expect(stored(sql)).toEqual([]));
		});
		expect(received).toEqual([2]);
	});

	it('drops a change that could not be delivered for as long as logs are kept', async () => {
		const deliver: Deliver = () => Promise.reject(new Error('unreachable'));
		await inShard(deliver, async ({ outbox, receivers, sql, reports, restart }) => {
			add(receivers, 1);
			outbox.publish(TOOLS);
			await vi.waitFor(() => expect(stored(sql)[0]?.['receivers']).toBe('["object-0"]'));
			sql.exec('UPDATE tmcp_changes SET at_ms = 1');
			restart(deliver).handleAlarm();
			await vi.waitFor(() => expect(reports).toHaveLength(1));
			expect(reports[0]).toMatch(
				/could not be reached for 600 s, and 1 changes for it are dropped/,
			);
			expect(stored(sql)).toEqual([]);
			expect(receivers.size).toBe(1);
		});
	});
});
