import { describe, expect, test } from 'vitest';
import { placementPart } from '../src/placement/placement-part.ts';
import { readResult } from '../src/results.ts';

const regenerate = 'npm run bench -- --only placement --write';

describe('the simulated placement', () => {
	test(`results/placement.json is what is simulated, else ${regenerate}`, async () => {
		const { result } = await placementPart('full', () => {});
		expect(readResult('placement')).toEqual(result);
	});

	test('from five of eight places a tool call takes between half and a sixth of the time, as docs/scaling.md says', () => {
		const { toolCall, globalRegion } = readResult('placement');
		const ratios = Object.values(toolCall).map(
			({ placed, global }) => placed.medianMs / global.medianMs,
		);
		expect(globalRegion).toBe('weur');
		expect(ratios.filter((ratio) => ratio < 0.6)).toHaveLength(5);
		expect(Math.round(1 / Math.min(...ratios))).toBe(6);
	});
});
