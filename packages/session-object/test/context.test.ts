import { evictDurableObject } from 'cloudflare:test';
import { objectName } from '@tmcp-sessions/session-object';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';
import * as v from 'valibot';

import { alarmMs, HOUR_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { inSession } from './fixture/in-session.ts';
import { objectOf, tablesOf } from './fixture/objects.ts';
import { Stream } from './fixture/stream.ts';
import { resetTestState, testState } from './fixture/test-session.ts';

afterEach(resetTestState);

describe('the session context', () => {
	it('stores values before the response is sent, and keeps them through an eviction', async () => {
		const client = await Client.open();
		expect(await client.call('count', { to: 7 })).toBe('counted to 7');
		await evictDurableObject(objectOf(client));
		expect(await inSession(client, ({ context }) => context.get('counter'))).toBe(7);
	});

	it('rejects a value that violates its schema, and keeps the previous one', async () => {
		const client = await Client.open();
		await client.call('count', { to: 7 });
		expect(await client.call('count', { to: 1.5 })).toMatch(
			/the value for context key "counter" violates its schema \(.+\) and was not stored; validate it/,
		);
		expect(await inSession(client, ({ context }) => context.get('counter'))).toBe(7);
	});

	it('explains how to repair a stored value that violates the schema of a later deployment', async () => {
		const client = await Client.open();
		await client.call('count', { to: 7 });
		testState.settings = {
			context: { notes: v.array(v.string()), counter: v.pipe(v.number(), v.maxValue(5)) },
		};
		await evictDurableObject(objectOf(client));
		await inSession(client, ({ context }) => {
			expect(() => context.get('counter')).toThrow(
				/context key "counter" violates its schema .+ context\.raw\("counter"\) and context\.set, or remove it with context\.delete\("counter"\)/,
			);
			context.set('counter', Math.min(Number(context.raw('counter')), 5));
			expect(context.get('counter')).toBe(5);
		});
	});

	it('rejects a value over the limits, with an error that suggests artifacts', async () => {
		testState.settings = { limits: { valueLength: 100, totalLength: 150 } };
		const client = await Client.open();
		await inSession(client, ({ context }) => {
			expect(() => context.set('notes', ['x'.repeat(100)])).toThrow(
				/has 104 characters as JSON, more than the limit of 100, and was not stored; store large data as artifacts/,
			);
			context.set('notes', ['x'.repeat(90)]);
			context.set('notes', ['y'.repeat(90)]);
			expect(context.get('notes')).toEqual(['y'.repeat(90)]);
		});
		testState.settings = { limits: { valueLength: 100, totalLength: 94 } };
		await evictDurableObject(objectOf(client));
		await inSession(client, ({ context }) => {
			expect(() => context.set('counter', 1)).toThrow(
				/would have 95 characters, more than the limit of 94/,
			);
			expect(context.keys()).toEqual(['notes']);
		});
	});

	it('rolls back a transaction that throws, and rejects an asynchronous one', async () => {
		const client = await Client.open();
		await inSession(client, ({ context }) => {
			context.set('counter', 1);
			const failing = (): void => {
				context.set('counter', 2);
				throw new Error('no');
			};
			expect(() => context.transaction(failing)).toThrow('no');
			expect(() =>
				context.transaction(async () => {
					context.set('counter', 3);
				}),
			).toThrow(/requires a synchronous function/);
			expect(context.get('counter')).toBe(1);
		});
	});

	it('rejects a key without a schema, and a value that is not JSON', async () => {
		const client = await Client.open();
		await inSession(client, ({ context }) => {
			const set = (key: string, value: unknown): void =>
				context.set(key as 'counter', value as number);
			expect(() => set('colour', 1)).toThrow(
				/"colour" is not a context key; expected one of notes, counter/,
			);
			expect(() => set('toString', 1)).toThrow(/"toString" is not a context key/);
		});
		testState.settings = { context: { notes: v.any(), counter: v.any() } };
		await evictDurableObject(objectOf(client));
		await inSession(client, ({ context }) => {
			// Safe because the test passes an invalid value on purpose.
			const invalid = undefined as unknown as number;
			expect(() => context.set('counter', invalid)).toThrow(/must be JSON; got undefined/);
		});
	});

	it('rejects a schema that rejects its own output, and an asynchronous schema', async () => {
		const dated = v.pipe(v.string(), v.transform(Number)) as unknown as v.GenericSchema<number>;
		const asynchronous = v.pipeAsync(
			v.any(),
			v.checkAsync(async () => true),
		);
		testState.settings = {
			context: { notes: asynchronous as unknown as v.GenericSchema<string[]>, counter: dated },
		};
		const client = await Client.open();
		await inSession(client, ({ context }) => {
			expect(() => context.set('counter', '7' as unknown as number)).toThrow(
				/the schema of context key "counter" rejects its own output \(.+\), so the value was not stored\. Use a schema whose output is JSON/,
			);
			expect(() => context.set('notes', [])).toThrow(
				/the schema of context key "notes" is asynchronous; use a synchronous one/,
			);
			expect(context.keys()).toEqual([]);
		});
	});

	it('rejects a value that exceeds a SQLite row, whatever the limits', async () => {
		testState.settings = { limits: { valueLength: 1e9, totalLength: 1e9 } };
		const client = await Client.open();
		await inSession(client, ({ context }) => {
			expect(() => context.set('notes', ['ü'.repeat(1_000_000)])).toThrow(
				/context key "notes" has 2000004 bytes as JSON, more than a SQLite row holds \(1900000\), and was not stored/,
			);
			context.set('notes', ['u'.repeat(1_000_000)]);
		});
	});

	it.each([0, -1, Number.NaN])('rejects a limit of %s', async (valueLength) => {
		testState.settings = { limits: { valueLength } };
		const client = new Client();
		expect((await client.initialize()).status).toBe(500);
		expect(testState.errors.join()).toMatch(
			/settings\.limits\.valueLength must be a positive number of characters; got/,
		);
	});

	it('rolls back values, rows and scheduled jobs together', async () => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		expect(await client.call('roll_back')).toBe('rolled back');
		await inSession(client, ({ context, sql, schedule }) => {
			expect(context.get('notes')).toEqual(['milk']);
			expect(sql.exec('SELECT * FROM events').toArray()).toEqual([]);
			// The alarm of the job that was rolled back is not set.
			schedule('kept', Date.now() + 2 * HOUR_MS);
		});
		expect(await alarmMs(client)).toBeLessThan(Date.now() + 3 * HOUR_MS);
		expect(await alarmMs(client)).toBeGreaterThan(Date.now() + HOUR_MS);
	});

	it('sets the prune alarm of the streams again after a change was rolled back', async () => {
		const client = await Client.open();
		const stream = await Stream.open(client);
		await stream.until('\n\n');
		await client.call('roll_back');
		await client.call('announce');
		const stored = await inSession(client, ({ sql }) =>
			sql.exec("SELECT at_ms FROM tmcp_entries WHERE kind = 'meta' AND key = 'streams'").toArray(),
		);
		expect(stored).toHaveLength(1);
		await stream.disconnect();
	});

	it('leaves the object empty if its first transaction is rolled back', async () => {
		const client = new Client('/identity', { authorization: 'rolled/back' });
		expect(await client.callStateless('roll_back')).toContain('rolled back');
		const stub = env.SESSIONS.getByName(
			await objectName({ workspaceId: 'rolled', clientId: 'back' }),
		);
		expect(await tablesOf(stub)).toEqual([]);
		await client.callStateless('add_note', { text: 'milk' });
		expect(await client.callStateless('list_notes')).toContain('milk');
	});
});
