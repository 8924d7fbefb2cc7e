import { CorruptRecordError, StoredInfoSessionManager, StoreError } from '@tmcp-sessions/core';
import { describe, expect, it } from 'vitest';
import { getAll, initialize, inRequest, setUp } from './observed-manager.ts';

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

describe('a corrupt record', () => {
	it('is reported, and the session is treated as unknown', async () => {
		const { manager, failures, errors } = setUp();
		failures.set('read', new CorruptRecordError('core', 'not a JSON object'));
		expect(await getAll(manager, 'a')).toEqual([undefined, undefined, undefined]);
		expect(errors).toHaveLength(1);
	});
});
