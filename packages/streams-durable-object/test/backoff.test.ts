import { describe, expect, it } from 'vitest';

import { Backoff } from '../src/worker/backoff.ts';

/** Waits whose time passes at once, and a time that passes with them. */
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
const wanted = (): boolean => true;

describe('the attempts to reach an object again', () => {
	it('are over when one succeeds', async () => {
		const { backoff, waits } = newBackoff();
		let attempts = 0;
		const failed = await backoff.retry(LOST, wanted, async () => {
			attempts += 1;
			if (attempts < 4) throw new Error('down');
		});
		expect(failed).toBeUndefined();
		expect(waits).toEqual([100, 200, 400, 800]);
	});

	it('take half a minute in all, the time of the attempts included', async () => {
		const { backoff, waits, clock } = newBackoff();
		const failed = await backoff.retry(LOST, wanted, async () => {
			clock.nowMs += 10_000;
			throw new Error('did not answer');
		});
		expect(String(failed)).toBe('Error: did not answer');
		expect(waits).toEqual([100, 200, 400]);
		expect(clock.nowMs).toBeLessThan(31_000);
	});

	it('go on counting where each success is lost at once, and say why', async () => {
		const { backoff, waits } = newBackoff();
		let failed: unknown;
		while (failed === undefined) failed = await backoff.retry(LOST, wanted, async () => {});
		expect(failed).toBe(LOST);
		expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeLessThanOrEqual(30_000);
	});

	it('begin anew where a socket held for longer than that, without a message', async () => {
		const { backoff, waits, clock } = newBackoff();
		for (let loss = 0; loss < 50; loss++) {
			clock.nowMs += 30_001;
			expect(await backoff.retry(LOST, wanted, async () => {})).toBeUndefined();
		}
		expect(waits).toEqual(Array.from({ length: 50 }, () => 100));
	});

	it('end where nobody wants them any more, and that is no failure', async () => {
		const { backoff, waits } = newBackoff();
		const attempt = async (): Promise<void> => {
			throw new Error('down');
		};
		expect(await backoff.retry(LOST, () => waits.length < 3, attempt)).toBeUndefined();
		expect(waits).toEqual([100, 200, 400]);
	});
});
