import { describe, expect, it } from 'vitest';

import { FrameOrder } from '../src/worker/frame-order.ts';

const half = 'x'.repeat(512 * 1024);

describe('FrameOrder', () => {
	it('returns each frame once, in the order of numbers', () => {
		const order = new FrameOrder();
		expect(order.add(0, 'a')).toEqual(['a']);
		expect(order.add(2, 'c')).toEqual([]);
		expect(order.add(3, 'd')).toEqual([]);
		expect(order.add(0, 'a again')).toEqual([]);
		expect(order.add(2, 'c again')).toEqual([]);
		expect(order.add(1, 'b')).toEqual(['b', 'c', 'd']);
		expect(order.add(4, 'e')).toEqual(['e']);
	});

	it('knows which frame is missing, from a later frame or from the number of frames', () => {
		const order = new FrameOrder();
		expect(order.missing).toBeUndefined();
		order.add(1, 'b');
		expect(order.missing).toBe(0);
		order.add(0, 'a');
		expect(order.missing).toBeUndefined();
		order.expect(2);
		expect(order.missing).toBeUndefined();
		order.expect(4);
		expect(order.missing).toBe(2);
	});

	it('is full while the frames after a missing one exceed 1 MiB', () => {
		const order = new FrameOrder();
		order.add(1, half);
		order.add(2, half);
		expect(order.isFull).toBe(false);
		order.add(3, 'x');
		expect(order.isFull).toBe(true);
		order.add(0, half);
		expect(order.isFull).toBe(false);
	});
});
