import { describe, expect, it } from 'vitest';
import { CAPABILITIES, CLIENT, getAll, initialize, inRequest, setUp } from './observed-manager.ts';

const HOUR_MS = 3_600_000;

describe('a request', () => {
	it.each([
		['without a scope', <T>(request: () => T): T => request()],
		['in a request scope', inRequest],
	])('makes one write at initialize and one read later, %s', async (_how, request) => {
		const { manager, operations } = setUp();
		await request(() => {
			initialize(manager, 'a');
			return manager.flush('a');
		});
		expect(operations).toEqual(['create']);
		for (let requests = 1; requests <= 5; requests++) {
			await request(() => getAll(manager, 'a'));
			expect(operations).toEqual(['create', ...Array<string>(requests).fill('read')]);
		}
	});

	it('does not share its read with concurrent requests of the session', async () => {
		const { manager, operations } = setUp();
		initialize(manager, 'a');
		await manager.flush('a');
		const all = await Promise.all([1, 2, 3].map(() => getAll(manager, 'a')));
		expect(operations.filter((operation) => operation === 'read')).toHaveLength(3);
		for (const values of all) expect(values).toEqual([CAPABILITIES, CLIENT, undefined]);
	});

	it('does not read again before it subscribes', async () => {
		const { manager, operations } = setUp();
		initialize(manager, 'a');
		await manager.flush('a');
		await getAll(manager, 'a');
		manager.addSubscription('a', 'test://a');
		await manager.flush('a');
		expect(operations).toEqual(['create', 'read', 'subscribe']);
	});

	it('without a scope does not get a stale read of an earlier request', async () => {
		const { manager, clock, anotherIsolate } = setUp();
		initialize(manager, 'a');
		await manager.flush('a');
		await manager.getClientCapabilities('a'); // This request is aborted before its other getters.
		const elsewhere = anotherIsolate();
		elsewhere.setLogLevel('a', 'error');
		await elsewhere.flush('a');
		clock.advance(5_000);
		expect(await manager.getLogLevel('a')).toBe('error');
	});

	it('without a scope does not get a stale read after the clock was set back', async () => {
		const { manager, clock, anotherIsolate } = setUp();
		initialize(manager, 'a');
		await manager.flush('a');
		await manager.getClientCapabilities('a');
		const elsewhere = anotherIsolate();
		elsewhere.setLogLevel('a', 'error');
		await elsewhere.flush('a');
		clock.advance(-5_000);
		expect(await manager.getLogLevel('a')).toBe('error');
	});
});

describe('expiry', () => {
	it('ends a session 24 hours after its last use and 30 days after its first by default', async () => {
		const { manager, clock } = setUp();
		initialize(manager, 'idle');
		initialize(manager, 'busy');
		await Promise.all([manager.flush('idle'), manager.flush('busy')]);
		for (let hours = 0; hours < 30 * 24; hours += 12) {
			expect(await manager.getClientInfo('busy')).toEqual(CLIENT);
			clock.advance(12 * HOUR_MS);
			if (hours === 12) expect(await manager.getClientInfo('idle')).toBeUndefined();
		}
		expect(await manager.getClientInfo('busy')).toBeUndefined();
	});

	it('writes a session in use at most once per tenth of its idle time', async () => {
		const { manager, clock, operations, promises } = setUp({ idleSeconds: 1_000 });
		initialize(manager, 'a');
		await manager.flush('a');
		for (let seconds = 0; seconds < 1_000; seconds++) {
			clock.advance(1_000);
			await getAll(manager, 'a');
			await Promise.all(promises.splice(0));
		}
		expect(operations.filter((operation) => operation === 'read')).toHaveLength(1_000);
		expect(operations.filter((operation) => operation === 'update')).toHaveLength(10);
	});

	it('reaches the absolute lifetime even if the last extension is shorter than a tenth', async () => {
		const { manager, clock, operations, promises } = setUp({
			idleSeconds: 100,
			absoluteSeconds: 105,
		});
		initialize(manager, 'a');
		await manager.flush('a');
		for (let seconds = 0; seconds < 105; seconds++) {
			expect((await getAll(manager, 'a'))[1]).toEqual(CLIENT);
			await Promise.all(promises.splice(0));
			clock.advance(1_000);
		}
		expect((await getAll(manager, 'a'))[1]).toBeUndefined();
		expect(operations.filter((operation) => operation === 'update')).toHaveLength(1);
	});

	it('keeps subscriptions until the session expires, even after lifetimes were shortened', async () => {
		const { manager, clock, store, anotherIsolate } = setUp();
		initialize(manager, 'a');
		await manager.flush('a');
		clock.advance(HOUR_MS);
		const shorter = anotherIsolate({ idleSeconds: 600, absoluteSeconds: 1_200 });
		shorter.addSubscription('a', 'test://a');
		await shorter.flush('a');
		clock.advance(23 * HOUR_MS - 1);
		expect(await store.read('a')).toBeDefined();
		expect(await shorter.getSubscriptions('test://a')).toEqual(['a']);
		clock.advance(1);
		expect(await shorter.getSubscriptions('test://a')).toEqual([]);
	});

	it('extends a session once for concurrent requests', async () => {
		const { manager, clock, operations, promises } = setUp({ idleSeconds: 100 });
		initialize(manager, 'a');
		await manager.flush('a');
		clock.advance(50_000);
		await Promise.all(Array.from({ length: 20 }, () => inRequest(() => getAll(manager, 'a'))));
		await Promise.all(promises);
		expect(operations.filter((operation) => operation === 'update').length).toBeLessThanOrEqual(1);
	});

	it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
		'rejects %s as a number of seconds',
		(seconds) => {
			expect(() => setUp({ idleSeconds: seconds })).toThrow(
				`[tmcp-sessions/core] idleSeconds must be a positive number of seconds; got ${seconds}`,
			);
		},
	);
});
