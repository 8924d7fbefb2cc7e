import { CorruptRecordError, StoredInfoSessionManager, StoreError } from '@tmcp-sessions/core';
import { describe, expect, it } from 'vitest';
import { getAll, initialize, inRequest, setUp } from './observed-manager.ts';

const OUTAGE = new StoreError('core', 'write', 'the backend is down');

describe('failures', () => {
	it('a setter never rejects, onError is told once, and what is kept alive does not reject', async () => {
		const { manager, failures, errors, work } = setUp();
		failures.set('create', OUTAGE).set('unsubscribe', OUTAGE);
		initialize(manager, 'a');
		manager.removeSubscription('a', 'test://a');
		await Promise.all(work);
		expect(errors).toEqual([OUTAGE, OUTAGE]);
		expect(work).toHaveLength(2);
	});

	it('a store that throws instead of rejecting is no way round that', async () => {
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

	it('flush tells the request whose write failed, even when it failed before', async () => {
		const { manager, failures, errors } = setUp();
		failures.set('create', OUTAGE);
		await inRequest(async () => {
			initialize(manager, 'a');
			await expect.poll(() => errors).toEqual([OUTAGE]);
			await expect(manager.flush('a')).rejects.toBe(OUTAGE);
		});
		await inRequest(() => manager.flush('a'));
	});

	it('flush waits for the writes of its own request and of no other', async () => {
		const setup = setUp();
		const { manager } = setup;
		setup.gate = new Promise(() => {});
		inRequest(() => initialize(manager, 'a'));
		const flushed = inRequest(() => manager.flush('a')).then(() => 'flushed');
		await expect(flushed).resolves.toBe('flushed');
	});

	it('a read that fails rejects its getters and reaches onError; it is not taken for no session', async () => {
		const { manager, failures, errors } = setUp();
		failures.set('read', OUTAGE);
		await expect(manager.getClientInfo('a')).rejects.toBe(OUTAGE);
		expect(errors).toEqual([OUTAGE]);
	});

	it('a change of a session that is not known is refused, reported and not stored', async () => {
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

describe('a record that cannot be used', () => {
	it('is reported, and the session counts as unknown', async () => {
		const { manager, failures, errors } = setUp();
		failures.set('read', new CorruptRecordError('core', 'not a JSON object'));
		expect(await getAll(manager, 'a')).toEqual([undefined, undefined, undefined]);
		expect(errors).toHaveLength(1);
	});
});
