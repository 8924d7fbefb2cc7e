import { describe, expect, it } from 'vitest';

import { isSound } from '../src/ledger.ts';
import { soakRedis } from '../src/redis/redis-soak.ts';
import { formatReport } from '../src/soak.ts';

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));

describe('a short soak of three processes over Redis', () => {
	it('loses, repeats and reorders no message when processes are killed, connections reset and readers stalled', async () => {
		console.log(`seed ${seed}`);
		const options = { minutes: 0.15, streams: 30, messages: 600, faults: 2, seed };
		const result = await soakRedis({ ...options, failover: false }, () => {});
		const text = formatReport(result);
		expect(isSound(result.total), text).toBe(true);
		expect(result.total.gaps, text).toBe(0);
		expect(result.total.received, text).toBeGreaterThan(600);
		for (const times of result.happened.values()) expect(times, text).toBeGreaterThan(0);
	});

	it('announces a gap for what a failover loses, and loses nothing else', async () => {
		const options = { minutes: 0.1, streams: 30, messages: 600, faults: 2, seed };
		const result = await soakRedis({ ...options, failover: true }, () => {});
		const text = formatReport(result);
		// A message whose response the failover lost is sent again, and may arrive twice.
		expect(result.total, text).toMatchObject({ lost: 0, outOfOrder: 0 });
		expect(result.total.missedInGaps, text).toBeGreaterThan(0);
	});
});
