import { evictDurableObject } from 'cloudflare:test';
import { objectName } from '@tmcp-sessions/session-object';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';
import * as v from 'valibot';

import { alarmMs, HOUR_MS } from './fixture/alarm.ts';
import { Client } from './fixture/client.ts';
import { inSession } from './fixture/in-session.ts';
import { objectOf, tablesOf } from './fixture/objects.ts';
import { resetWorld, world } from './fixture/test-session.ts';

afterEach(resetWorld);

describe('the context', () => {
	it('outlives an eviction, and what was answered is stored', async () => {
		const client = await Client.open();
		expect(await client.call('count', { to: 7 })).toBe('counted to 7');
		await evictDurableObject(objectOf(client));
		expect(await inSession(client, ({ context }) => context.get('counter'))).toBe(7);
	});

	it('a value that breaks its schema is refused, and the one before stays', async () => {
		const client = await Client.open();
		await client.call('count', { to: 7 });
		expect(await client.call('count', { to: 1.5 })).toMatch(
			/the value for context key "counter" violates its schema \(.+\) and was not stored; validate it/,
		);
		expect(await inSession(client, ({ context }) => context.get('counter'))).toBe(7);
	});

	it('what is stored and breaks the schema of a later deployment says how to mend it', async () => {
		const client = await Client.open();
		await client.call('count', { to: 7 });
		world.settings = {
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

	it('a value over the limit is refused, and says what to do instead', async () => {
		world.settings = { limits: { valueLength: 100, totalLength: 150 } };
		const client = await Client.open();
		await inSession(client, ({ context }) => {
			expect(() => context.set('notes', ['x'.repeat(100)])).toThrow(
				/has 104 characters as JSON, more than the limit of 100, and was not stored; store large data as artifacts/,
			);
			context.set('notes', ['x'.repeat(90)]);
			context.set('notes', ['y'.repeat(90)]);
			expect(context.get('notes')).toEqual(['y'.repeat(90)]);
		});
		world.settings = { limits: { valueLength: 100, totalLength: 94 } };
		await evictDurableObject(objectOf(client));
		await inSession(client, ({ context }) => {
			expect(() => context.set('counter', 1)).toThrow(
				/would have 95 characters, more than the limit of 94/,
			);
			expect(context.keys()).toEqual(['notes']);
		});
	});

	it('a transaction that throws leaves nothing, and one that is async is refused', async () => {
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

	it('takes no key without a schema and nothing that is no JSON', async () => {
		const client = await Client.open();
		await inSession(client, ({ context }) => {
			const set = (key: string, value: unknown): void =>
				context.set(key as 'counter', value as number);
			expect(() => set('colour', 1)).toThrow(
				/"colour" is not a context key; expected one of notes, counter/,
			);
			expect(() => set('toString', 1)).toThrow(/"toString" is not a context key/);
		});
		world.settings = { context: { notes: v.any(), counter: v.any() } };
		await evictDurableObject(objectOf(client));
		await inSession(client, ({ context }) => {
			const none = undefined as unknown as number;
			expect(() => context.set('counter', none)).toThrow(/must be JSON; got undefined/);
		});
	});

	it('a schema that does not take what it made is refused when it is set, and one that waits too', async () => {
		const dated = v.pipe(v.string(), v.transform(Number)) as unknown as v.GenericSchema<number>;
		const waiting = v.pipeAsync(
			v.any(),
			v.checkAsync(async () => true),
		);
		world.settings = {
			context: { notes: waiting as unknown as v.GenericSchema<string[]>, counter: dated },
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

	it('a value that no row holds is refused, however high the limits are', async () => {
		world.settings = { limits: { valueLength: 1e9, totalLength: 1e9 } };
		const client = await Client.open();
		await inSession(client, ({ context }) => {
			expect(() => context.set('notes', ['ü'.repeat(1_000_000)])).toThrow(
				/context key "notes" has 2000004 bytes as JSON, more than a SQLite row holds \(1900000\), and was not stored/,
			);
			context.set('notes', ['u'.repeat(1_000_000)]);
		});
	});

	it.each([0, -1, Number.NaN])('a limit of %s is refused', async (valueLength) => {
		world.settings = { limits: { valueLength } };
		const client = new Client();
		expect((await client.initialize()).status).toBe(500);
		expect(world.errors.join()).toMatch(
			/settings\.limits\.valueLength must be a positive number of characters; got/,
		);
	});

	it('a transaction that is rolled back takes all with it: values, rows, and what was scheduled', async () => {
		const client = await Client.open();
		await client.call('add_note', { text: 'milk' });
		expect(await client.call('roll_back')).toBe('rolled back');
		await inSession(client, ({ context, sql, schedule }) => {
			expect(context.get('notes')).toEqual(['milk']);
			expect(sql.exec('SELECT * FROM events').toArray()).toEqual([]);
			// The alarm that was set for the other is gone with it.
			schedule('kept', Date.now() + 2 * HOUR_MS);
		});
		expect(await alarmMs(client)).toBeLessThan(Date.now() + 3 * HOUR_MS);
		expect(await alarmMs(client)).toBeGreaterThan(Date.now() + HOUR_MS);
	});

	it('a transaction that is rolled back and was the object’s first leaves it as it was', async () => {
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
