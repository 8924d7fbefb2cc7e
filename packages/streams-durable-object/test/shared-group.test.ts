import { describe, expect, it } from 'vitest';

import { SharedGroup } from '../src/worker/shared-group.ts';
import type { PlaceSignal } from '../src/worker/shared-group.ts';

/** A group whose streams connect as those of a Worker do. */
function createGroup() {
	let nowMs = 1_000_000;
	const group = new SharedGroup('isolate.0', () => nowMs);
	const signals = new Map<number, PlaceSignal[]>();
	const received: string[] = [];
	const stuck = new Set<number>();
	const add = (member: number): void => {
		signals.set(member, []);
		group.add(member, {
			receive: (number, frame) => void received.push(`${member} ${number} ${frame.slice(-1)}`),
			signal: (signal) => void signals.get(member)?.push(signal),
			isOpen: () => true,
			isStuck: () => stuck.has(member),
		});
	};
	/** Opens a socket for a stream, or has it share one. @returns the member whose socket it shares. */
	const connect = async (member: number, mustCarry = false): Promise<number | undefined> => {
		add(member);
		const via = await group.connect(member, mustCarry);
		if (via === undefined) group.handleOpen(member, true);
		return via;
	};
	const message = (to: number[]) => ({
		to: to.map((member) => [member, 1, 1] as const),
		frame: 'x',
		sequence: 1,
		shard: '',
		epoch: '',
	});
	return {
		group,
		signals,
		received,
		stuck,
		add,
		connect,
		message,
		/** Returns the signals of a stream since the last call. */
		signalsOf: (member: number): PlaceSignal[] => signals.get(member)?.splice(0) ?? [],
		wait: (seconds: number): void => void (nowMs += seconds * 1_000),
	};
}

/** Opens a group of streams, the first three of which hold sockets. */
async function openGroup(size: number) {
	const opened = createGroup();
	const vias: (number | undefined)[] = [];
	for (let member = 0; member < size; member++) vias.push(await opened.connect(member));
	return { ...opened, vias };
}

describe('SharedGroup', () => {
	it('opens three sockets, which the other streams share evenly', async () => {
		const { vias } = await openGroup(9);
		expect(vias.slice(0, 3)).toEqual([undefined, undefined, undefined]);
		expect(vias.slice(3)).toEqual([0, 1, 2, 0, 1, 2]);
	});

	it('has a stream wait for the sockets that are opening, and open one if they are lost', async () => {
		const { group, add } = createGroup();
		for (const member of [0, 1, 2, 3, 4]) add(member);
		for (const member of [0, 1, 2]) expect(await group.connect(member, false)).toBeUndefined();
		const waiting = [group.connect(3, false), group.connect(4, false)];
		group.remove(4);
		for (const member of [0, 1, 2]) group.handleOpen(member, true);
		expect(await waiting[0]).toBe(0);
		expect(await waiting[1]).toBeUndefined();
		for (const member of [0, 1, 2]) group.remove(member);
		add(5);
		expect(await group.connect(5, false)).toBeUndefined();
	});

	it('opens a socket for each stream if the object shares none', async () => {
		const { group, add } = createGroup();
		for (let member = 0; member < 6; member++) {
			add(member);
			expect(await group.connect(member, false)).toBeUndefined();
			expect(group.handleOpen(member, false)).toBeUndefined();
			expect(group.check(member)).toBeUndefined();
		}
	});

	it('replaces a lost socket by one of its newest stream, and has its streams check that they moved', async () => {
		const { group, vias, signalsOf } = await openGroup(9);
		const moving = vias.flatMap((via, member) => (via === 0 ? [member] : []));
		group.remove(0);
		expect(signalsOf(8)).toContain('carry');
		for (const member of moving.filter((each) => each !== 8)) {
			expect(signalsOf(member)).toEqual(['check']);
			expect(group.isConnected(member)).toBe(false);
		}
		group.handleMoved(1, [
			[moving[0] ?? -1, 5],
			[77, 3],
		]);
		expect(group.isConnected(moving[0] ?? -1)).toBe(true);
	});

	it('reports streams that it does not know on the socket that received for them', async () => {
		const { group, message, received } = await openGroup(4);
		const ended = group.handleOpen(1, true);
		group.handleMoved(1, [
			[3, 5],
			[77, 3],
		]);
		group.distribute(1, message([3, 78]));
		expect(await ended?.take()).toEqual([77, 78]);
		expect(received).toEqual(['3 5 ', '3 1 x']);
		group.remove(3);
		group.remove(1);
		expect(await ended?.take()).toBeUndefined();
	});

	it('has all streams join again as soon as its last socket is lost', async () => {
		const { group, signalsOf } = await openGroup(9);
		for (const holder of [0, 1, 2]) group.handleLoss(holder);
		for (let member = 3; member < 9; member++) expect(signalsOf(member)).toContain('rejoin');
	});

	it('finds sockets whose requests have ended without a notice within 30 seconds', async () => {
		const { group, signalsOf, wait } = await openGroup(5);
		wait(10);
		for (const holder of [0, 1, 2]) expect(group.check(holder)).toBeUndefined();
		expect(group.check(3)).toBeUndefined();
		wait(16);
		expect(group.check(4)).toBe('rejoin');
		expect(signalsOf(3)).toContain('rejoin');
	});

	it('removes a stream whose request has ended without a notice, and tells the object', async () => {
		const { group, stuck, signalsOf, message, wait, received } = await openGroup(6);
		const ended = group.handleOpen(0, true);
		for (let seconds = 10; seconds <= 40; seconds += 10) {
			wait(10);
			for (const member of [0, 1, 2, 4, 5]) if (member < 3 || seconds === 30) group.check(member);
		}
		expect(signalsOf(3)).toContain('rejoin');
		expect(group.has(3)).toBe(false);
		expect(group.has(4)).toBe(true);
		expect(await ended?.take()).toEqual([3]);
		stuck.add(4);
		group.distribute(0, message([4, 5]));
		expect(received).toEqual(['5 1 x']);
		expect(group.has(4)).toBe(false);
		expect(await ended?.take()).toEqual([4]);
	});

	it('has another stream receive the messages after 1,024', async () => {
		const { group, message, signalsOf, connect } = await openGroup(6);
		for (let sent = 0; sent < 1_023; sent++) group.distribute(1, message([1]));
		expect(group.check(4)).toBeUndefined();
		group.distribute(1, message([1]));
		expect(group.check(4)).toBe('carry');
		expect(group.check(5)).toBeUndefined();
		expect(signalsOf(1)).toEqual([]);
		group.remove(4);
		expect(await connect(6, true)).toBeUndefined();
		expect(signalsOf(1)).toEqual(['rejoin']);
		expect(signalsOf(0)).toEqual([]);
	});
});
