import { describe, expect, it } from 'vitest';
import { judge, unknownScenarios } from '../run/baseline.ts';
import type { ExpectedFailure, Run } from '../run/baseline.ts';
import type { ScenarioResult } from '../run/run-suite.ts';

const baseline: ExpectedFailure[] = [
	{ scenarios: ['greet', 'part'], checks: ['wave'], reason: 'No hands' },
	{ scenarios: ['ask'], isolates: 2, reason: 'No ears' },
	{ scenarios: ['sing'], deployment: 'choir', reason: 'No voice' },
];
const on = (isolates: number, deployment = 'managers'): Run => ({ deployment, isolates });
const failing = (scenario: string, ...ids: string[]): ScenarioResult => ({
	scenario,
	scored: true,
	failed: ids.map((id) => ({ id })),
});

describe('the baseline', () => {
	it('expects only the checks that it names', () => {
		const { expected, unexpected, stale } = judge(failing('greet', 'wave', 'bow'), baseline, on(2));
		expect(expected).toEqual([{ check: { id: 'wave' }, reason: 'No hands' }]);
		expect(unexpected).toEqual([{ id: 'bow' }]);
		expect(stale).toEqual([]);
	});

	it('is stale if a check that it names passes', () => {
		expect(judge(failing('part'), baseline, on(2)).stale).toEqual(['wave']);
	});

	it('is stale if a scenario without named checks passes', () => {
		expect(judge(failing('ask'), baseline, on(2)).stale).toEqual(['the whole scenario']);
	});

	it('does not apply to another number of isolates', () => {
		expect(judge(failing('ask'), baseline, on(1)).stale).toEqual([]);
		expect(judge(failing('ask', 'hear'), baseline, on(1)).unexpected).toEqual([{ id: 'hear' }]);
	});

	it('does not apply to another deployment', () => {
		expect(judge(failing('sing'), baseline, on(1)).stale).toEqual([]);
		expect(judge(failing('sing'), baseline, on(1, 'choir')).stale).toEqual(['the whole scenario']);
	});

	it('reports scenarios that no suite has', () => {
		expect(unknownScenarios(baseline, new Set(['greet', 'ask', 'sing']))).toEqual(['part']);
	});
});
