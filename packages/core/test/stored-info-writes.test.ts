import { describe, expect, it } from 'vitest';
import { CAPABILITIES, CLIENT, getAll, initialize, setUp } from './observed-manager.ts';

describe('writes of the own isolate', () => {
	it('are visible before the backend has confirmed them, without a read', async () => {
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

	it('of subscriptions are visible before the backend has confirmed them', async () => {
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

	it('of a log level are not lost while the session is being opened', async () => {
		const setup = setUp();
		const { manager, anotherIsolate } = setup;
		const opening = Promise.withResolvers<void>();
		setup.gate = opening.promise;
		initialize(manager, 'a');
		await Promise.resolve();
		// The update reaches the backend before the session does.
		setup.gate = Promise.resolve();
		manager.setLogLevel('a', 'error');
		await expect.poll(() => setup.operations).toEqual(['create', 'update', 'create']);
		opening.resolve();
		await manager.flush('a');
		expect((await getAll(anotherIsolate(), 'a'))[1]).toEqual(CLIENT);
		expect(setup.errors).toEqual([]);
	});

	it('of a log level do not revive a session that was opened and ended meanwhile', async () => {
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

	it.each([30_001, -30_001])(
		'that never settle are discarded after the clock has moved by %s ms',
		async (ms) => {
			const setup = setUp();
			const { manager, clock } = setup;
			setup.gate = new Promise(() => {});
			initialize(manager, 'a');
			await Promise.resolve();
			expect(await manager.getClientInfo('a')).toEqual(CLIENT);
			setup.gate = Promise.resolve();
			clock.advance(ms);
			expect(await manager.getClientInfo('a')).toBeUndefined();
		},
	);

	it('hide a session in its own isolate as soon as it is being ended', async () => {
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
