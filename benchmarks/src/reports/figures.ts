import { titleOf } from '../contenders.ts';
import type { Throughput } from '../measurements/throughput.ts';
import { SESSION_CALL } from '../operations/count-operations.ts';
import type { Operations } from '../operations/count-operations.ts';
import { describeCounts } from '../operations/counts.ts';
import { CALLS_PER_SESSION, sessionDollars } from './costs.ts';
import { table } from './markdown.ts';
import { formatDollars } from './prices.ts';

const compared = ['ours-http', 'ours-object', 'upstream', 'mcp-agent'] as const;

/** The figures of the repository's README, a column for each compared contender. */
export function figuresTable(operations: Operations, { works }: Throughput): string {
	const speed = works['call-32'];
	return table(`figure | ${compared.map(titleOf).join(' | ')}`, [
		[
			'storage operations of a call',
			...compared.map((name) => describeCounts(operations[name][SESSION_CALL] ?? {})),
		],
		[
			`a million sessions of ${CALLS_PER_SESSION} calls, storage and objects`,
			...compared.map((name) => formatDollars(sessionDollars(operations, name))),
		],
		[
			`calls per second, relative to ${titleOf('upstream')}`,
			...compared.map((name) => (speed[name]?.toUpstream ?? NaN).toFixed(2)),
		],
	]);
}
