import { describe, expect, test } from 'vitest';
import { placementPart } from '../src/placement/placement-part.ts';
import { placementSections } from '../src/published-sections.ts';
import { readResult, readSection } from '../src/results.ts';
import type { PlacementResult } from '../src/placement/simulate-placement.ts';

const regenerate = 'npm run bench -- --only placement --write';

describe('the simulated placement', () => {
	test(`results/placement.json is what is simulated, else ${regenerate}`, async () => {
		const { result } = await placementPart('full', () => {});
		expect(readResult('placement')).toEqual(result);
	});

	test.each(placementSections(readResult('placement')))(
		`$name in $document is of results/placement.json, else ${regenerate}`,
		(section) => {
			expect(readSection(section)).toBe(section.text);
		},
	);

	test('from five of eight places a tool call takes little more than half the time, as docs/scaling.md says', () => {
		const { toolCall, globalRegion } = readResult<PlacementResult>('placement');
		const faster = Object.values(toolCall).filter(
			({ placed, global }) => placed.medianMs < 0.6 * global.medianMs,
		);
		expect(globalRegion).toBe('weur');
		expect(faster).toHaveLength(5);
	});
});
