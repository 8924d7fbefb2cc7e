import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import type { RequestScope, SessionStore } from '@tmcp-sessions/core/backend';
import { runInScope } from '@tmcp-sessions/core/internal';
import { CLIENT_INFO, createSteppedStore, everyOrder, Interleavings } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';

import { SealedInfoSessionManager } from '../src/index.ts';
import { deployment, DOOR, newKey } from './endpoint.ts';
import type { Deployment } from './endpoint.ts';

const DAY_MS = 86_400_000;
const withMemory = (): Deployment => deployment(({ now }) => new InMemorySessionStore({ now }));

describe('the end of a sealed session', () => {
	it('is visible at once in the isolate that ended it, and within a minute in all others', async () => {
		const { clock, isolate, operations } = withMemory();
		const [here, there] = [isolate(), isolate()];
		const session = await here.open();
		expect((await there.call(session)).status).toBe(200);
		expect((await here.end(session)).status).toBe(200);
		operations.length = 0;
		expect((await here.call(session)).status).toBe(404);
		expect(operations).toEqual([]);
		clock.advance(59_999);
		expect((await there.call(session)).status).toBe(200);
		clock.advance(1);
		expect((await there.call(session)).status).toBe(404);
		expect((await isolate().call(session)).status).toBe(404);
	});

	it('is visible to a GET and a DELETE at once in all isolates', async () => {
		const { isolate } = withMemory();
		const [here, there] = [isolate(), isolate()];
		const session = await here.open();
		expect((await there.call(session)).status).toBe(200);
		await here.end(session);
		expect((await there.send({ method: 'GET' }, session)).status).toBe(404);
		expect((await there.end(session)).status).toBe(404);
		// And to the calls that follow.
		expect((await there.call(session)).status).toBe(404);
	});

	it('is visible at once in all isolates with recheckSeconds 0', async () => {
		const { isolate } = withMemory();
		const [here, there] = [isolate({ recheckSeconds: 0 }), isolate({ recheckSeconds: 0 })];
		const session = await here.open();
		expect((await there.call(session)).status).toBe(200);
		await here.end(session);
		expect((await there.call(session)).status).toBe(404);
	});

	it('is visible within a minute even if the clock was set back', async () => {
		const { clock, isolate } = withMemory();
		const [here, there] = [isolate(), isolate()];
		const session = await here.open();
		expect((await there.call(session)).status).toBe(200);
		await here.end(session);
		clock.advance(-60_000);
		expect((await there.call(session)).status).toBe(404);
	});

	it('is not undone by the writes of an isolate that has not seen it', async () => {
		const { clock, isolate } = withMemory();
		const [here, there] = [isolate(), isolate()];
		const session = await here.open();
		await there.setLogLevel('debug', session);
		await here.end(session);
		expect((await there.setLogLevel('error', session)).status).toBe(404);
		expect((await there.subscribe(session)).status).toBe(404);
		clock.advance(60_000);
		expect((await isolate().call(session)).status).toBe(404);
		clock.advance(7 * DAY_MS - 60_001);
		expect((await isolate().call(session)).status).toBe(404);
	});

	it('is not undone after the lifetime of sessions was shorter for a while', async () => {
		const { clock, isolate } = withMemory();
		const session = await isolate().open();
		await isolate({ absoluteSeconds: 60 }).end(session);
		clock.advance(60_000);
		expect((await isolate().call(session)).status).toBe(404);
	});

	it('is not undone in any order of the steps of DELETE and of a new log level', async () => {
		const request = (): RequestScope => ({ waitUntil: () => {}, message: {} });
		const params = { principal: '', clientInfo: CLIENT_INFO, clientCapabilities: {} };
		const keys = [newKey()];
		for (const isSameIsolate of [true, false]) {
			const orders = await everyOrder(async (choose) => {
				const interleavings = new Interleavings();
				const memory = new InMemorySessionStore();
				const isolate = (): SealedInfoSessionManager =>
					new SealedInfoSessionManager({
						keys,
						rest: new StoredInfoSessionManager(createSteppedStore(memory, interleavings.step)),
						recheckSeconds: 0,
					});
				const here = isolate();
				const there = isSameIsolate ? here : isolate();
				const { id, internalId } = await here.sealSession(params);
				await there.openSession(id, '');
				const setLevel = (): Promise<void> =>
					runInScope(request(), async () => {
						there.setLogLevel(internalId, 'error');
						await there.flush(internalId);
					});
				const end = (): Promise<void> => runInScope(request(), () => here.delete(internalId));
				await interleavings.run([end, setLevel], choose);
				for (const each of [here, there, isolate()]) {
					const isLive = runInScope(request(), async () => {
						await each.openSession(id, '');
						return (await each.getClientCapabilities(internalId)) !== undefined;
					});
					expect(await isLive).toBe(false);
				}
			});
			expect(orders).toBeGreaterThan(1);
		}
	});

	it('removes its subscriptions', async () => {
		const { isolate } = withMemory();
		const [here, there] = [isolate(), isolate()];
		const [ends, stays] = [await here.open(), await here.open()];
		await here.subscribe(ends);
		await here.subscribe(stays);
		expect(await there.info.getSubscriptions(DOOR)).toHaveLength(2);
		expect((await there.end(ends)).status).toBe(200);
		const left = await here.info.getSubscriptions(DOOR);
		expect(left.map((name) => stays.startsWith(name))).toEqual([true]);
	});

	it('happens after 7 days or absoluteSeconds, to the millisecond', async () => {
		for (const [absoluteSeconds, lifetimeMs] of [
			[undefined, 7 * DAY_MS],
			[1.5, 1_500],
		] as const) {
			const { clock, isolate, operations } = deployment();
			const [here, there] = [isolate({ absoluteSeconds }), isolate({ absoluteSeconds })];
			const session = await here.open();
			await there.call(session);
			clock.advance(lifetimeMs - 1);
			for (const each of [here, there]) expect((await each.call(session)).status).toBe(200);
			clock.advance(1);
			for (const each of [here, there]) expect((await each.call(session)).status).toBe(404);
			expect(operations).toEqual([]);
		}
	});

	it('happens earlier after the lifetime was shortened, and not later after it was extended', async () => {
		const { clock, isolate } = deployment();
		const session = await isolate().open();
		const brief = await isolate({ absoluteSeconds: 60 }).open();
		clock.advance(60_000);
		expect((await isolate({ absoluteSeconds: 60 }).call(session)).status).toBe(404);
		expect((await isolate().call(session)).status).toBe(200);
		expect((await isolate().call(brief)).status).toBe(404);
	});
});

describe('the cached state of a session', () => {
	const keys = [newKey()];
	const params = { principal: '', clientInfo: CLIENT_INFO, clientCapabilities: {} };
	const request = (): RequestScope => ({ waitUntil: () => {}, message: {} });

	it('is not overwritten by a read that began before a write', async () => {
		const memory = new InMemorySessionStore();
		let respond = (): void => {};
		let isSlow = true;
		const slow: SessionStore = Object.create(memory, {
			read: {
				async value(id: string) {
					const record = await memory.read(id);
					if (isSlow) await new Promise<void>((resolve) => (respond = resolve));
					return record;
				},
			},
			...Object.fromEntries(
				(['create', 'update', 'delete'] as const).map((name) => [
					name,
					{ value: memory[name].bind(memory) },
				]),
			),
			capabilities: { value: memory.capabilities },
		});
		const first = new SealedInfoSessionManager({ keys });
		const { id } = await first.sealSession(params);
		const info = new SealedInfoSessionManager({ keys, rest: new StoredInfoSessionManager(slow) });
		const internalId = (await info.openSession(id, ''))?.internalId ?? '';
		const reading = runInScope(request(), () => info.getLogLevel(internalId));
		await new Promise((resolve) => setTimeout(resolve, 1));
		const respondToRead = respond;
		isSlow = false;
		await runInScope(request(), async () => {
			info.setLogLevel(internalId, 'error');
			await info.flush(internalId);
		});
		respondToRead();
		await reading;
		expect(await runInScope(request(), () => info.getLogLevel(internalId))).toBe('error');
	});

	it('is shared by requests that open a session concurrently', async () => {
		const { id } = await new SealedInfoSessionManager({ keys }).sealSession(params);
		const rest = new StoredInfoSessionManager(new InMemorySessionStore());
		const info = new SealedInfoSessionManager({ keys, rest });
		const [one, other] = [request(), request()];
		const [opened] = await Promise.all(
			[one, other].map((scope) => runInScope(scope, () => info.openSession(id, ''))),
		);
		const internalId = opened?.internalId ?? '';
		for (const scope of [one, other]) await runInScope(scope, () => info.getLogLevel(internalId));
		for (const [scope, level] of [
			[one, 'error'],
			[other, 'debug'],
		] as const) {
			await runInScope(scope, async () => {
				info.setLogLevel(internalId, level);
				await info.flush(internalId);
			});
			const next = runInScope(request(), async () => {
				await info.openSession(id, '');
				return info.getLogLevel(internalId);
			});
			expect(await next).toBe(level);
		}
	});

	it('is available to its request while thousands of other sessions are opened', async () => {
		const info = new SealedInfoSessionManager({ keys });
		const { id } = await info.sealSession(params);
		const elsewhere = new SealedInfoSessionManager({ keys });
		const old = await runInScope(request(), () => elsewhere.sealSession(params));
		await runInScope(request(), async () => {
			const internalId = (await elsewhere.openSession(id, ''))?.internalId ?? '';
			const open = (): Promise<object> =>
				runInScope(request(), () => elsewhere.sealSession(params));
			await Promise.all(Array.from({ length: 12_000 }, open));
			expect(await elsewhere.getClientInfo(internalId)).toEqual(CLIENT_INFO);
		});
		// Sessions without a request in flight are evicted.
		expect(await elsewhere.getClientInfo(old.internalId)).toBeUndefined();
		expect((await elsewhere.openSession(old.id, ''))?.internalId).toBe(old.internalId);
	});

	it('does not lose a log level that is set while the session subscribes', async () => {
		for (let count = 0; count < 20; count++) {
			const { isolate } = withMemory();
			const [here, there] = [isolate(), isolate()];
			const session = await here.open();
			const [level, ...others] = [here, there].toSorted(() => (count % 2) - 0.5);
			await Promise.all([
				level?.setLogLevel('error', session),
				level?.subscribe(session),
				...others.map((each) => each.subscribe(session)),
			]);
			const fresh = isolate();
			expect((await fresh.call(session)).text).toContain('error');
			expect(await fresh.info.getSubscriptions(DOOR)).toHaveLength(1);
			expect((await fresh.end(session)).status).toBe(200);
			expect(await fresh.info.getSubscriptions(DOOR)).toEqual([]);
		}
	});

	it('is not modified by a tool', async () => {
		for (const create of [deployment, withMemory]) {
			const { isolate } = create();
			const here = isolate();
			const session = await here.open({ roots: {} });
			for (let count = 0; count < 3; count++) {
				expect((await here.call(session)).text).toContain('visitor,');
			}
		}
	});
});
