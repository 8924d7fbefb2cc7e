import { CorruptRecordError, StoredInfoSessionManager, StoreError } from '@tmcp-sessions/core';
import { describe, expect, it, vi } from 'vitest';
import { getAll, initialize, inRequest, setUp } from './observed-manager.ts';
import type { Setup } from './observed-manager.ts';

const OUTAGE = new StoreError('core', 'write', 'the backend is down');

describe('failures', () => {
	it('of setters are reported once and do not reject, nor does the promise of waitUntil', async () => {
		const { manager, failures, errors, promises } = setUp();
		failures.set('create', OUTAGE).set('unsubscribe', OUTAGE);
		initialize(manager, 'a');
		manager.removeSubscription('a', 'test://a');
		await Promise.all(promises);
		expect(errors).toEqual([OUTAGE, OUTAGE]);
		expect(promises).toHaveLength(2);
	});

	it('of a store that throws synchronously do not escape the setters', async () => {
		const setup = setUp();
		const thrower = new Proxy(setup.store, {
			get: (target, key) =>
				key === 'capabilities'
					? target.capabilities
					: (): never => {
							throw OUTAGE;
						},
		});
		const errors: Error[] = [];
		const manager = new StoredInfoSessionManager(thrower, {
			onError: (error) => void errors.push(error),
		});
		initialize(manager, 'a');
		manager.setLogLevel('a', 'info');
		manager.addSubscription('a', 'test://a');
		manager.removeSubscription('a', 'test://a');
		expect(await manager.getSubscriptions('test://a')).toEqual([]);
		await expect(manager.delete('a')).rejects.toBe(OUTAGE);
		await expect.poll(() => errors.length).toBeGreaterThanOrEqual(5);
		expect(new Set(errors)).toEqual(new Set([OUTAGE]));
	});

	it('reject flush of their request, even if they happened before', async () => {
		const { manager, failures, errors } = setUp();
		failures.set('create', OUTAGE);
		await inRequest(async () => {
			initialize(manager, 'a');
			await expect.poll(() => errors).toEqual([OUTAGE]);
			await expect(manager.flush('a')).rejects.toBe(OUTAGE);
		});
		await inRequest(() => manager.flush('a'));
	});

	it('of other requests do not delay flush', async () => {
		const setup = setUp();
		const { manager } = setup;
		setup.gate = new Promise(() => {});
		inRequest(() => initialize(manager, 'a'));
		const flushed = inRequest(() => manager.flush('a')).then(() => 'flushed');
		await expect(flushed).resolves.toBe('flushed');
	});

	it('of a read reject its getter and are reported, and the session is not treated as unknown', async () => {
		const { manager, failures, errors } = setUp();
		failures.set('read', OUTAGE);
		await expect(manager.getClientInfo('a')).rejects.toBe(OUTAGE);
		expect(errors).toEqual([OUTAGE]);
	});

	it('are reported for a change of an unknown session, which is not stored', async () => {
		const { manager, operations, errors } = setUp();
		manager.setLogLevel('never opened', 'error');
		manager.addSubscription('never opened', 'test://a');
		await expect
			.poll(() => errors.map(String))
			.toEqual([
				'UnknownSessionError: [tmcp-sessions/core] cannot set a log level: the session never existed, has ended or has expired',
				'UnknownSessionError: [tmcp-sessions/core] cannot subscribe to a resource: the session never existed, has ended or has expired',
			]);
		expect(operations).not.toContain('create');
		expect(operations).not.toContain('subscribe');
		expect(await manager.getSubscriptions('test://a')).toEqual([]);
	});
});

describe('a session that ends during a request', () => {
	it('rejects flush of the request and is not reported', async () => {
		const { manager, errors } = setUp();
		initialize(manager, 'a');
		await manager.flush('a');
		await inRequest(async () => {
			await manager.getClientInfo('a');
			await inRequest(() => manager.delete('a'));
			manager.setLogLevel('a', 'error');
			await expect(manager.flush('a')).rejects.toMatchObject({ code: 'unknown-session' });
		});
		expect(errors).toEqual([]);
	});
});

describe('keepAlive', () => {
	/** Opens a session that has used up half of its idle time. */
	const openAndAge = async (): Promise<Setup> => {
		const setup = setUp({ idleSeconds: 1_000 });
		initialize(setup.manager, 'a');
		await setup.manager.flush('a');
		setup.clock.advance(500_000);
		setup.operations.length = 0;
		return setup;
	};

	it('resolves to true after one read and one write have extended the session', async () => {
		const { manager, clock, operations, store } = await openAndAge();
		expect(await manager.keepAlive('a')).toBe(true);
		expect(operations).toEqual(['read', 'update']);
		expect((await store.read('a'))?.expiresAtMs).toBe(clock.now() + 1_000_000);
	});

	it('resolves to true after a read if the session needs no extension', async () => {
		const { manager, operations } = await openAndAge();
		await manager.keepAlive('a');
		operations.length = 0;
		expect(await manager.keepAlive('a')).toBe(true);
		expect(operations).toEqual(['read']);
	});

	it('rejects and reports once if the read fails', async () => {
		const { manager, failures, errors } = await openAndAge();
		failures.set('read', OUTAGE);
		await expect(manager.keepAlive('a')).rejects.toBe(OUTAGE);
		expect(errors).toEqual([OUTAGE]);
	});

	it('rejects and reports once if the write fails, and writes again when it is called again', async () => {
		const { manager, failures, errors, operations } = await openAndAge();
		failures.set('update', OUTAGE);
		await expect(manager.keepAlive('a')).rejects.toBe(OUTAGE);
		expect(errors).toEqual([OUTAGE]);
		failures.clear();
		expect(await manager.keepAlive('a')).toBe(true);
		expect(operations).toEqual(['read', 'update', 'read', 'update']);
	});

	it('does not rely on the write of a concurrent request, which may fail', async () => {
		const { manager, clock, errors, promises, store } = await openAndAge();
		const { promise: pending, reject } = Promise.withResolvers<boolean>();
		const update = store.update.bind(store);
		Object.assign(store, {
			update: vi.fn<typeof update>().mockReturnValueOnce(pending).mockImplementation(update),
		});
		await manager.getClientInfo('a');
		expect(await manager.keepAlive('a')).toBe(true);
		reject(OUTAGE);
		await Promise.all(promises);
		expect(errors).toEqual([OUTAGE]);
		expect((await store.read('a'))?.expiresAtMs).toBe(clock.now() + 1_000_000);
	});

	it('resolves to false if the session is unknown, has expired or has ended', async () => {
		const { manager, clock, operations } = await openAndAge();
		expect(await manager.keepAlive('never opened')).toBe(false);
		const deletion = manager.delete('a');
		expect(await manager.keepAlive('a')).toBe(false);
		await deletion;
		initialize(manager, 'b');
		await manager.flush('b');
		clock.advance(1_000_000);
		expect(await manager.keepAlive('b')).toBe(false);
		expect(operations).not.toContain('update');
	});

	it('resolves to false if the session ends between the read and the write', async () => {
		const { manager, store } = await openAndAge();
		const read = store.read.bind(store);
		Object.assign(store, {
			read: async (id: string) => {
				const record = await read(id);
				await store.delete(id);
				return record;
			},
		});
		expect(await manager.keepAlive('a')).toBe(false);
	});
});

describe('a corrupt record', () => {
	it('is reported, and the session is treated as unknown', async () => {
		const { manager, failures, errors } = setUp();
		failures.set('read', new CorruptRecordError('core', 'not a JSON object'));
		expect(await getAll(manager, 'a')).toEqual([undefined, undefined, undefined]);
		expect(errors).toHaveLength(1);
	});
});
