import {
	CorruptRecordError,
	runInScope,
	StoredInfoSessionManager,
	StoreError,
} from '@tmcp-sessions/core';
import type { StoredInfoOptions } from '@tmcp-sessions/core';
import { ManualClock } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';

import { observedStore } from './observed-store.ts';
import type { ObservedStore } from './observed-store.ts';

const HOUR_MS = 3_600_000;
const CLIENT = { name: 'client', version: '1.2.3' };
const CAPABILITIES = { elicitation: {} };
const OUTAGE = new StoreError('core', 'write', 'the backend is down');

interface Setup extends ObservedStore {
	readonly clock: ManualClock;
	readonly manager: StoredInfoSessionManager;
	readonly errors: Error[];
	/** What was to be kept alive. */
	readonly work: Promise<unknown>[];
	/** Another isolate's manager of the same store. */
	anotherIsolate(): StoredInfoSessionManager;
}

function setUp(options: StoredInfoOptions = {}): Setup {
	const clock = new ManualClock();
	const observed = observedStore(clock.now);
	const errors: Error[] = [];
	const work: Promise<unknown>[] = [];
	const make = (): StoredInfoSessionManager =>
		new StoredInfoSessionManager(observed.store, {
			now: clock.now,
			onError: (error) => void errors.push(error),
			waitUntil: (promise) => void work.push(promise),
			...options,
		});
	return Object.assign(observed, { clock, manager: make(), errors, work, anotherIsolate: make });
}

/** What a transport does at `initialize`. */
function initialize(manager: StoredInfoSessionManager, id: string): void {
	manager.setClientCapabilities(id, CAPABILITIES);
	manager.setClientInfo(id, CLIENT);
}

/** What a transport asks for each message of a session, one after the other. */
async function getAll(manager: StoredInfoSessionManager, id: string): Promise<unknown[]> {
	return [
		await manager.getClientCapabilities(id),
		await manager.getClientInfo(id),
		await manager.getLogLevel(id),
	];
}

function inRequest<T>(request: () => T): T {
	return runInScope({ waitUntil: (work) => void work.catch(() => {}) }, request);
}

describe('what a request costs', () => {
	it.each([
		['with a bare transport', <T>(request: () => T): T => request()],
		['in a request scope', inRequest],
	])('an initialize is one write and every later request one read, %s', async (_how, request) => {
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

	it('requests of one session at the same time cost one read each, none of them shared', async () => {
		const { manager, operations } = setUp();
		initialize(manager, 'a');
		await manager.flush('a');
		const all = await Promise.all([1, 2, 3].map(() => getAll(manager, 'a')));
		expect(operations.filter((operation) => operation === 'read')).toHaveLength(3);
		for (const values of all) expect(values).toEqual([CAPABILITIES, CLIENT, undefined]);
	});

	it('a subscribe of a known session reads nothing that its request has not read yet', async () => {
		const { manager, operations } = setUp();
		initialize(manager, 'a');
		await manager.flush('a');
		await getAll(manager, 'a');
		manager.addSubscription('a', 'test://a');
		await manager.flush('a');
		expect(operations).toEqual(['create', 'read', 'subscribe']);
	});

	it('what a bare request left behind is not taken for the state of a later one', async () => {
		const { manager, clock, anotherIsolate } = setUp();
		initialize(manager, 'a');
		await manager.flush('a');
		await manager.getClientCapabilities('a'); // The rest of this request never asks.
		const elsewhere = anotherIsolate();
		elsewhere.setLogLevel('a', 'error');
		await elsewhere.flush('a');
		clock.advance(5_000);
		expect(await manager.getLogLevel('a')).toBe('error');
	});
});

describe('its own writes', () => {
	it('are seen before the backend has confirmed them, without a read', async () => {
		const setup = setUp();
		const { manager, operations } = setup;
		const gate = Promise.withResolvers<void>();
		setup.gate = gate.promise;
		initialize(manager, 'a');
		await Promise.resolve();
		expect(await getAll(manager, 'a')).toEqual([CAPABILITIES, CLIENT, undefined]);
		manager.setLogLevel('a', 'warning');
		expect(await getAll(manager, 'a')).toEqual([CAPABILITIES, CLIENT, 'warning']);
		expect(operations).toEqual(['create', 'update']);
		gate.resolve();
		await manager.flush('a');
		expect(await getAll(manager, 'a')).toEqual([CAPABILITIES, CLIENT, 'warning']);
	});

	it('a subscription and its end are seen before they are confirmed', async () => {
		const setup = setUp();
		const { manager } = setup;
		initialize(manager, 'a');
		await manager.flush('a');
		manager.addSubscription('a', 'test://stored');
		await manager.flush('a');
		setup.gate = new Promise(() => {});
		manager.addSubscription('a', 'test://new');
		manager.removeSubscription('a', 'test://stored');
		setup.gate = Promise.resolve();
		expect(await manager.getSubscriptions('test://new')).toEqual(['a']);
		expect(await manager.getSubscriptions('test://stored')).toEqual([]);
	});

	it('a log level set while the session is still being opened is not lost', async () => {
		const setup = setUp();
		const { manager, anotherIsolate } = setup;
		const opening = Promise.withResolvers<void>();
		setup.gate = opening.promise;
		initialize(manager, 'a');
		await Promise.resolve();
		// The backend takes the update before it has the session.
		setup.gate = Promise.resolve();
		manager.setLogLevel('a', 'error');
		await expect.poll(() => setup.operations).toEqual(['create', 'update', 'create']);
		opening.resolve();
		await manager.flush('a');
		expect((await getAll(anotherIsolate(), 'a'))[1]).toEqual(CLIENT);
		expect(setup.errors).toEqual([]);
	});

	it('a log level set while the session is being opened and ended brings it not back', async () => {
		const setup = setUp();
		const { manager, anotherIsolate } = setup;
		const updating = Promise.withResolvers<void>();
		initialize(manager, 'a');
		await Promise.resolve();
		setup.gate = updating.promise;
		manager.setLogLevel('a', 'error');
		setup.gate = Promise.resolve();
		await manager.delete('a');
		updating.resolve();
		await expect(manager.flush('a')).rejects.toThrow('cannot set a log level');
		expect(await anotherIsolate().getClientInfo('a')).toBeUndefined();
		expect(setup.operations).toEqual(['create', 'update', 'delete', 'update', 'read']);
	});

	it('a write that never reports back is forgotten after 30 s, and its request with it', async () => {
		const setup = setUp();
		const { manager, clock } = setup;
		setup.gate = new Promise(() => {});
		initialize(manager, 'a');
		await Promise.resolve();
		expect(await manager.getClientInfo('a')).toEqual(CLIENT);
		setup.gate = Promise.resolve();
		clock.advance(30_001);
		expect(await manager.getClientInfo('a')).toBeUndefined();
	});

	it('an ended session is gone at once in its own isolate', async () => {
		const setup = setUp();
		const { manager } = setup;
		initialize(manager, 'a');
		await manager.flush('a');
		const gate = Promise.withResolvers<void>();
		setup.gate = gate.promise;
		const ending = manager.delete('a');
		expect(await manager.getClientInfo('a')).toBeUndefined();
		gate.resolve();
		await ending;
		expect(await manager.getClientInfo('a')).toBeUndefined();
	});
});

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
				'UnknownSessionError: [tmcp-sessions/core] a session that is not known cannot set a log level; it never was, has ended or has expired',
				'UnknownSessionError: [tmcp-sessions/core] a session that is not known cannot subscribe to a resource; it never was, has ended or has expired',
			]);
		expect(operations).not.toContain('create');
		expect(operations).not.toContain('subscribe');
		expect(await manager.getSubscriptions('test://a')).toEqual([]);
	});
});

describe('expiry', () => {
	it('ends a session 24 hours after its last use and 30 days after its first, unless set otherwise', async () => {
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

	it('a busy session writes at most once in a tenth of its idle time', async () => {
		const { manager, clock, operations, work } = setUp({ idleSeconds: 1_000 });
		initialize(manager, 'a');
		await manager.flush('a');
		for (let seconds = 0; seconds < 1_000; seconds++) {
			clock.advance(1_000);
			await getAll(manager, 'a');
			await Promise.all(work.splice(0));
		}
		expect(operations.filter((operation) => operation === 'read')).toHaveLength(1_000);
		expect(operations.filter((operation) => operation === 'update')).toHaveLength(10);
	});

	it('many requests at once extend a session once', async () => {
		const { manager, clock, operations, work } = setUp({ idleSeconds: 100 });
		initialize(manager, 'a');
		await manager.flush('a');
		clock.advance(50_000);
		await Promise.all(Array.from({ length: 20 }, () => inRequest(() => getAll(manager, 'a'))));
		await Promise.all(work);
		expect(operations.filter((operation) => operation === 'update').length).toBeLessThanOrEqual(1);
	});

	it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
		'refuses %s as a number of seconds',
		(seconds) => {
			expect(() => setUp({ idleSeconds: seconds })).toThrow(
				`[tmcp-sessions/core] idleSeconds must be a positive number of seconds; found ${seconds}`,
			);
		},
	);
});

describe('a record that cannot be used', () => {
	it('is reported, and the session counts as unknown', async () => {
		const { manager, failures, errors } = setUp();
		failures.set('read', new CorruptRecordError('core', 'JSON that is no object'));
		expect(await getAll(manager, 'a')).toEqual([undefined, undefined, undefined]);
		expect(errors).toHaveLength(1);
	});
});
