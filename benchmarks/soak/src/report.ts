import type { Counts } from './counts.ts';
import { isSound } from './ledger.ts';
import type { Tally } from './ledger.ts';
import type { SoakResult } from './soak.ts';

/** Formats all streams together, each imperfect one, and the faults. */
export function formatReport(result: SoakResult): string {
	const { total, tallies, published, faults } = result;
	const imperfect = tallies
		.map((tally, index) => ({ tally, index }))
		.filter(({ tally }) => !isSound(tally) || tally.gaps > 0);
	return [
		`all ${tallies.length} streams: ${formatTally(total)}`,
		...imperfect.map(({ tally, index }) => `stream ${index + 1}: ${formatTally(tally)}`),
		'',
		`${published} messages published; streams were opened ${result.connections} times`,
		...[...faults].map(([kind, times]) => `${times} × ${kind}`),
		...section('publications that failed', result.unpublished),
		...section('faults that did not take effect', result.failedFaults),
		...section('connections that failed', result.rejections),
		...section('logged by the Workers', result.logged),
	].join('\n');
}

function formatTally(tally: Tally): string {
	const { sent, received, lost, repeated, outOfOrder, gaps, missedInGaps } = tally;
	const gap = `${gaps} gaps announced (${missedInGaps} messages)`;
	return `${sent} sent, ${received} received, ${lost} lost, ${repeated} repeated, ${outOfOrder} out of order, ${gap}`;
}

function section(title: string, counts: Counts): string[] {
	if (counts.size === 0) return [];
	return ['', `${title}:`, ...[...counts].map(([what, times]) => `  ${times} × ${what}`)];
}
