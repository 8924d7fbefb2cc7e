import { describe, expect, it } from 'vitest';

import { isSound } from '../src/ledger.ts';
import { formatReport, soak } from '../src/soak.ts';

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));

describe.each(['streams', 'published changes'] as const)('a short soak of %s', (soaked) => {
	it('loses, repeats and reorders no message under faults of every kind', async () => {
		console.log(`seed ${seed}`);
		const options = { minutes: 0.15, streams: 40, messages: 400, faults: 2, shards: 2, seed };
		const result = await soak({ ...options, soaked, workerd: 'current' }, () => {});
		const text = formatReport(result);
		expect(isSound(result.total), text).toBe(true);
		expect(result.total.gaps, text).toBe(0);
		expect(result.total.received, text).toBeGreaterThan(1_000);
		for (const times of result.happened.values()) expect(times, text).toBeGreaterThan(0);
	});
});
