import { describe, expect, it } from 'vitest';

import { Backoff } from '../src/worker/backoff.ts';

/** Creates a backoff whose clock advances with its waits, which take no time. */
function newBackoff() {
	const waits: number[] = [];
	const clock = { nowMs: 0 };
	const backoff = new Backoff({
		random: () => 1,
		now: () => clock.nowMs,
		async sleep(ms) {
			waits.push(ms);
			clock.nowMs += ms;
		},
	});
	return { backoff, waits, clock };
}

const LOST = new Error('lost');
const isWanted = (): boolean => true;

describe('Backoff', () => {
	it('stops after an attempt succeeds', async () => {
		const { backoff, waits } = newBackoff();
		let attempts = 0;
		const failed = await backoff.retry(LOST, isWanted, async () => {
			attempts += 1;
			if (attempts < 4) throw new Error('down');
		});
		expect(failed).toBeUndefined();
		expect(waits).toEqual([100, 200, 400, 800]);
	});

	it('gives up after 30 s, including the time of the attempts', async () => {
		const { backoff, waits, clock } = newBackoff();
		const failed = await backoff.retry(LOST, isWanted, async () => {
			clock.nowMs += 10_000;
			throw new Error('did not respond');
		});
		expect(String(failed)).toBe('Error: did not respond');
		expect(waits).toEqual([100, 200, 400]);
		expect(clock.nowMs).toBeLessThan(31_000);
	});

	it('gives up with the cause if each connection is lost at once', async () => {
		const { backoff, waits } = newBackoff();
		let failed: unknown;
		while (failed === undefined) failed = await backoff.retry(LOST, isWanted, async () => {});
		expect(failed).toBe(LOST);
		expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeLessThanOrEqual(30_000);
	});

	it('starts over after a connection lasted longer than 30 s without a message', async () => {
		const { backoff, waits, clock } = newBackoff();
		for (let loss = 0; loss < 50; loss++) {
			clock.nowMs += 30_001;
			expect(await backoff.retry(LOST, isWanted, async () => {})).toBeUndefined();
		}
		expect(waits).toEqual(Array.from({ length: 50 }, () => 100));
	});

	it('stops without a failure when the connection is no longer isWanted', async () => {
		const { backoff, waits } = newBackoff();
		const attempt = async (): Promise<void> => {
			throw new Error('down');
		};
		expect(await backoff.retry(LOST, () => waits.length < 3, attempt)).toBeUndefined();
		expect(waits).toEqual([100, 200, 400]);
	});
});
