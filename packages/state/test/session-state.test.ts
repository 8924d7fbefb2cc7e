import { InMemorySessionStore, StoredInfoSessionManager, cachedInfo } from '@tmcp-sessions/core';
import { SealedInfoSessionManager } from '@tmcp-sessions/info-sealed';
import { sessionState } from '@tmcp-sessions/state';
import { ManualClock } from '@tmcp-sessions/testkit';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';

import { createCountedInfo } from './counted-info.ts';
import { createToolServer } from './tool-server.ts';

const append =
	(text: string) =>
	(before = '') =>
		before + text;

describe('the state of a session', () => {
	it('keeps values between calls, costs one read and at most one write, and ends with the session', async () => {
		const { info, take } = createCountedInfo();
		const server = createToolServer(info);
		const session = await server.openSession();
		expect(await session.call((state) => state.get('draft'))).toBeNull();
		expect(take()).toEqual(['read']);
		await session.call((state) => state.set('draft', 'a'));
		expect(take()).toEqual(['read', 'write']);
		expect(await session.call((state) => state.update('draft', append('b')))).toBe('ab');
		expect(take()).toEqual(['read', 'write']);
		await session.call((state) => state.set('count', 7));
		await session.call((state) => state.delete('draft'));
		take();
		await session.call((state) => state.delete('draft'));
		expect(take()).toEqual(['read']);
		expect(await session.call((state) => state.get('draft'))).toBeNull();
		expect(await session.call((state) => state.get('count'))).toBe(7);
		take();
		expect(await session.end()).toBe(200);
		expect(take()).toEqual(['end']);
		expect(await info.openState()?.read(session.internalId)).toBe('ended');
	});

	it('belongs to one session', async () => {
		const server = createToolServer(createCountedInfo().info);
		const [one, other] = [await server.openSession(), await server.openSession()];
		await one.call((state) => state.set('draft', 'one'));
		expect(await other.call((state) => state.get('draft'))).toBeNull();
		await other.end();
		expect(await one.call((state) => state.get('draft'))).toBe('one');
	});

	it('rejects a write of a call that is in flight when its session ends', async () => {
		const { info } = createCountedInfo();
		const server = createToolServer(info);
		const session = await server.openSession();
		const ended = Promise.withResolvers<void>();
		const started = Promise.withResolvers<void>();
		const late = session.call(async (state) => {
			await state.set('draft', 'secret');
			started.resolve();
			await ended.promise;
			await state.set('draft', 'late');
		});
		await started.promise;
		await session.end();
		ended.resolve();
		expect(await late).toMatchObject({ code: 'unknown-session' });
		expect(await info.openState()?.read(session.internalId)).toBe('ended');
	});

	it('ends with the sessions of a principal that an operator ends', async () => {
		const { info } = createCountedInfo();
		const server = createToolServer(info);
		const session = await server.openSession('ada');
		await session.call((state) => state.set('draft', 'a'));
		await info.endSessionsOf?.('ada');
		expect(await info.openState()?.read(session.internalId)).toBe('ended');
	});

	it('leaves the session live if its state cannot be removed, so that DELETE can be repeated', async () => {
		let failures = 1;
		const { info } = createCountedInfo((right) => ({
			end: (id, untilMs) =>
				failures-- > 0 ? Promise.reject(new Error('down')) : right.end(id, untilMs),
		}));
		const server = createToolServer(info, {}, { onError: () => {} });
		const session = await server.openSession();
		await session.call((state) => state.set('draft', 'a'));
		expect(await session.end()).toBeGreaterThanOrEqual(500);
		expect(await session.call((state) => state.get('draft'))).toBe('a');
		expect(await session.end()).toBe(200);
		expect(await info.openState()?.read(session.internalId)).toBe('ended');
	});

	it('expires with the session, whose use extends it', async () => {
		const clock = new ManualClock();
		const { info, take } = createCountedInfo(() => ({}), { now: clock.now, idleSeconds: 1_000 });
		const server = createToolServer(info, { now: clock.now });
		const session = await server.openSession();
		await session.call((state) => state.set('draft', 'a'));
		for (let use = 0; use < 5; use++) {
			clock.advance(900_000);
			take();
			await session.call(async () => 'uses no state');
			expect(take()).toEqual(['extend']);
		}
		expect(await session.call((state) => state.get('draft'))).toBe('a');
		clock.advance(1_000_001);
		expect(await info.openState()?.read(session.internalId)).toBeUndefined();
		await expect(session.call((state) => state.get('draft'))).rejects.toThrow('rejected');
	});

	it('stores what a call writes that lasts longer than the idle time', async () => {
		const clock = new ManualClock();
		const { info } = createCountedInfo(() => ({}), { now: clock.now, idleSeconds: 60 });
		const server = createToolServer(info, { now: clock.now });
		const session = await server.openSession();
		await session.call(async (state) => {
			await state.get('draft');
			clock.advance(50_000);
			await info.keepAlive(session.internalId);
			clock.advance(50_000);
			await state.set('draft', 'late');
		});
		clock.advance(40_000);
		await info.keepAlive(session.internalId);
		expect(await info.openState()?.read(session.internalId)).toMatchObject({
			text: '{"draft":"late"}',
		});
	});

	it('is stored in the far store of cachedInfo and in rest of sealed sessions', async () => {
		const far = createCountedInfo();
		const near = new StoredInfoSessionManager(new InMemorySessionStore({ forgetAfterSeconds: 1 }));
		const rest = createCountedInfo();
		const sealed = new SealedInfoSessionManager({
			keys: ['mUJ2cX9xWnVbq0cWc0b1e8m6O3p4v9K2Qd1ZrY7sT5g='],
			rest: rest.info,
		});
		for (const [info, { take }] of [
			[cachedInfo(near, far.info), far],
			[sealed, rest],
		] as const) {
			const server = createToolServer(info);
			const session = await server.openSession();
			expect(await session.call((state) => state.update('draft', append('a')))).toBe('a');
			expect(await session.call((state) => state.update('draft', append('b')))).toBe('ab');
			expect(take()).toEqual(['read', 'write', 'read', 'write']);
			expect(await session.end()).toBe(200);
			expect(take()).toEqual(['end']);
		}
	});
});

describe('update', () => {
	it('loses none of 50 concurrent changes', async () => {
		const server = createToolServer(createCountedInfo().info);
		const session = await server.openSession();
		await Promise.all(
			Array.from({ length: 50 }, () =>
				session.call((state) => state.update('count', async (count = 0) => count + 1)),
			),
		);
		expect(await session.call((state) => state.get('count'))).toBe(50);
	});

	it('keeps a key that another call sets meanwhile', async () => {
		const server = createToolServer(createCountedInfo().info);
		const session = await server.openSession();
		let runs = 0;
		await session.call((state) =>
			state.update('draft', async () => {
				runs += 1;
				if (runs === 1) await state.set('count', 1);
				return `run ${runs}`;
			}),
		);
		expect(await session.call((state) => state.get('count'))).toBe(1);
		expect(await session.call((state) => state.get('draft'))).toBe('run 2');
	});

	it('gives up after 100 attempts with a reason', async () => {
		const { info } = createCountedInfo(() => ({ write: async () => false }));
		const session = await createToolServer(info).openSession();
		expect(await session.call((state) => state.update('draft', append('a')))).toMatchObject({
			error:
				'[tmcp-sessions/state] updating state failed: other calls changed the state 100 times meanwhile; try again',
			code: 'store',
		});
	}, 30_000);

	it('stores nothing if change throws', async () => {
		const { info, take } = createCountedInfo();
		const session = await createToolServer(info).openSession();
		const failing = (): never => {
			throw new Error('of the tool');
		};
		expect(await session.call((state) => state.update('draft', failing))).toMatchObject({
			error: 'of the tool',
		});
		expect(take()).toEqual(['read']);
	});
});

describe('bad input', () => {
	const state = (values: unknown): unknown => values;

	it.each([
		[
			'an unknown key',
			'drafts',
			'a',
			'a key must be one of draft, count; got "drafts". Add its schema to sessionState',
		],
		[
			'the name of a member of objects',
			'constructor',
			'a',
			'a key must be one of draft, count; got "constructor"',
		],
		[
			'a value of another type',
			'draft',
			7,
			'the value of "draft" does not match its schema (Invalid type: Expected string but received 7); nothing was stored',
		],
		[
			'a value that is too large',
			'draft',
			'ü'.repeat(30_000),
			'the state must have at most 60000 bytes as JSON; got 60012, of which "draft" has 60002. Nothing was stored: store less, delete other keys, or raise maxBytes',
		],
	])('rejects %s', async (_, key, value, message) => {
		const { info } = createCountedInfo();
		const session = await createToolServer(info).openSession();
		const set = session.call((drafts) => drafts.set(state(key) as 'draft', state(value) as string));
		const found = (await set) as { error: string; code: string };
		expect(found.error).toContain(message);
		expect(found.code).toBe('session-state');
		expect(await info.openState()?.read(session.internalId)).toBeUndefined();
	});

	it.each([
		['undefined', undefined, 'undefined'],
		['a function', () => {}, 'function'],
		['a bigint', 1n, 'bigint (Do not know how to serialize a BigInt)'],
	])('rejects %s, which is not JSON', async (_, value, found) => {
		const { info } = createCountedInfo();
		await createToolServer(info).openSession();
		const any = sessionState(info, { any: v.unknown() });
		const session = await createToolServer(info).openSession();
		expect(await session.call(() => any.set('any', value))).toMatchObject({
			error: `[tmcp-sessions/state] the value of "any" must be JSON; got ${found}. Nothing was stored; remove a value with delete("any")`,
		});
	});

	it('rejects a schema whose output is not its input', async () => {
		const { info } = createCountedInfo();
		const dates = sessionState(info, { when: v.date() });
		const session = await createToolServer(info).openSession();
		expect(await session.call(() => dates.set('when', new Date(0)))).toMatchObject({
			error: expect.stringContaining(
				'the schema of "when" rejects its own output as JSON',
			) as string,
		});
	});

	it('reports a stored value that a new schema rejects, and can delete it', async () => {
		const { info } = createCountedInfo();
		const server = createToolServer(info);
		const session = await server.openSession();
		await session.call((drafts) => drafts.set('draft', 'a'));
		const changed = sessionState(info, { draft: v.number() });
		expect(await session.call(() => changed.get('draft'))).toMatchObject({
			error: expect.stringContaining(
				'the stored value of "draft" does not match its schema',
			) as string,
		});
		await session.call(() => changed.delete('draft'));
		expect(await session.call(() => changed.get('draft'))).toBeNull();
	});

	it('reports stored text that is not an object as corrupt', async () => {
		const { info } = createCountedInfo((right) => ({
			async read(id) {
				await right.read(id);
				return { text: '[1]', version: '1' };
			},
		}));
		const session = await createToolServer(info).openSession();
		expect(await session.call((drafts) => drafts.get('draft'))).toMatchObject({
			code: 'corrupt-record',
		});
	});

	it('needs a request', async () => {
		const { state: drafts } = createToolServer(createCountedInfo().info);
		const message =
			'state needs a request; found none. Use it in a tool of a server that createMcpHandler serves';
		await expect(drafts.get('draft')).rejects.toThrow(message);
		await expect(drafts.open()).rejects.toThrow(message);
		await expect(drafts.createHandle('draft', 'a')).rejects.toThrow(message);
	});

	it('needs a session in a request without a handle', async () => {
		const server = createToolServer(createCountedInfo().info);
		expect(await server.stateless((drafts) => drafts.get('draft'))).toMatchObject({
			error:
				'[tmcp-sessions/state] the request has no session: it is stateless, or the handler has no option info. ' +
				'Let the tool take an optional handle, and use open(handle), which serves requests with and without a session',
		});
	});

	it('rejects options that are out of range, and managers without state', () => {
		const { info } = createCountedInfo();
		const schemas = { draft: v.string() };
		expect(() => sessionState(info, schemas, { handleSeconds: 0 })).toThrow(
			'handleSeconds must be a number from 1 to 2592000 (30 days); got 0',
		);
		expect(() => sessionState(info, schemas, { maxBytes: 1e9 })).toThrow(
			'maxBytes must be an integer from 1 to 16777216, the limit of this store; got 1000000000',
		);
		expect(() => sessionState(info, schemas, { maxByte: 1 } as object)).toThrow(
			'sessionState has no option maxByte; did you mean maxBytes?',
		);
		const sealed = new SealedInfoSessionManager({
			keys: ['mUJ2cX9xWnVbq0cWc0b1e8m6O3p4v9K2Qd1ZrY7sT5g='],
		});
		expect(() => sessionState(sealed, schemas)).toThrow(
			'sessionState needs an info manager whose store keeps state; got one without',
		);
	});
});
