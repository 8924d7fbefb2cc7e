import { isSound } from './ledger.ts';
import type { Tally } from './ledger.ts';
import type { SoakResult } from './soak.ts';

/** What is printed at the end: all streams together, each that is not perfect, and what was done. */
export function reportOf(result: SoakResult): string {
	const { total, tallies, published, faults } = result;
	const imperfect = tallies
		.map((tally, index) => ({ tally, index }))
		.filter(({ tally }) => !isSound(tally) || tally.gaps > 0);
	return [
		`all ${tallies.length} streams: ${inWords(total)}`,
		...imperfect.map(({ tally, index }) => `stream ${index + 1}: ${inWords(tally)}`),
		'',
		`${published} messages published; streams were opened ${result.connections} times`,
		...[...faults].map(([kind, times]) => `${times} × ${kind}`),
		...section('not published, as the publisher was told', result.unpublished),
		...section('faults that did not happen', result.failedFaults),
		...section('what clients met instead of a stream', result.refusals),
		...section('logged by the Workers', result.logged),
	].join('\n');
}

function inWords(tally: Tally): string {
	const { sent, received, lost, repeated, outOfOrder, gaps, missedInGaps } = tally;
	const gap = `${gaps} gaps announced (${missedInGaps} messages)`;
	return `${sent} sent, ${received} received, ${lost} lost, ${repeated} repeated, ${outOfOrder} out of order, ${gap}`;
}

function section(title: string, counts: ReadonlyMap<string, number>): string[] {
	if (counts.size === 0) return [];
	return ['', `${title}:`, ...[...counts].map(([what, times]) => `  ${times} × ${what}`)];
}
