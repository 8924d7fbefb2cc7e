import { describe, expect, test } from 'vitest';
import { placement } from '../src/measurements/placement.ts';
import { readResult } from '../src/reports/results.ts';

const regenerate = 'npm run bench -- --only placement --write';

describe('the simulated placement', () => {
	test(`equals results/placement.json; if not, run ${regenerate}`, async () => {
		const result = await placement.measure('full', () => {});
		expect(readResult('placement')).toEqual(result);
	});

	test('makes tool calls of five of eight places two to six times as fast, as docs/scaling.md says', () => {
		const { toolCall, globalRegion } = readResult('placement');
		const ratios = Object.values(toolCall).map(
			({ placed, global }) => placed.medianMs / global.medianMs,
		);
		expect(globalRegion).toBe('weur');
		expect(ratios.filter((ratio) => ratio < 0.6)).toHaveLength(5);
		expect(Math.round(1 / Math.min(...ratios))).toBe(6);
	});
});
