import { contenderOfManager } from '../contenders.ts';
import { markdownTable } from '../markdown-table.ts';
import type { InfoManagerName } from '../contenders/info-managers.ts';
import type { Operations } from '../operations/count-operations.ts';
import { addCounts } from '../operations/operation-counts.ts';
import type { OperationCounts } from '../operations/operation-counts.ts';
import { storageInWords } from '../operations/operations-in-words.ts';
import { comparedManagers, managerNames } from './compared-managers.ts';
import { expiryCounts } from './expiry-counts.ts';
import { storeDollarsForAMillion } from './prices.ts';
import type { DeclaredCapabilities } from './read-capabilities.ts';

/** What the comparison is made of. */
export interface Comparison {
	readonly capabilities: DeclaredCapabilities;
	readonly operations: Operations;
}

/** How many tool calls a session has whose price is given. */
const CALLS_OF_A_SESSION = 10;

/** What each info manager promises, and what it costs: a row for each in two tables. */
export function comparisonTables(comparison: Comparison): string {
	const promises = markdownTable(
		['info in', 'package', 'runtimes', 'consistency', 'expires by itself', 'longest id', 'atomic'],
		managerNames.map((name) => {
			const { title, packages, runtimes } = comparedManagers[name];
			const { ttlFloorSeconds, maxIdBytes, atomicUpdate } = comparison.capabilities[name];
			return [
				title,
				packages.map((each) => `[\`${each}\`](packages/${each})`).join(', '),
				runtimes,
				consistencyOf(comparison, name),
				ttlFloorSeconds === 0 ? 'on time' : `after ${ttlFloorSeconds} s or later`,
				`${maxIdBytes} bytes`,
				atomicUpdate ? 'yes' : 'no',
			];
		}),
	);
	const costs = markdownTable(
		['info in', ...Object.keys(costsOf(comparison, 'memory'))],
		managerNames.map((name) => [
			comparedManagers[name].title,
			...Object.values(costsOf(comparison, name)),
		]),
	);
	return `${promises}\n\n${costs}`;
}

/** The same of one manager, as a list. */
export function managerFacts(comparison: Comparison, name: InfoManagerName): string {
	const { ttlFloorSeconds, maxIdBytes, atomicUpdate } = comparison.capabilities[name];
	const promises = [
		`consistency: ${consistencyOf(comparison, name)}`,
		`${atomicUpdate ? 'both' : 'one'} of two updates at the same moment ${atomicUpdate ? 'stay' : 'may be lost'}`,
		`ids of up to ${maxIdBytes} bytes`,
		...(ttlFloorSeconds === 0 ? [] : [`keys kept for ${ttlFloorSeconds} s at least`]),
	];
	const costs = Object.entries(costsOf(comparison, name)).map(
		([what, cost]) => `- ${what}: ${cost}`,
	);
	return [`- ${promises.join('; ')}`, ...costs].join('\n');
}

function consistencyOf({ capabilities }: Comparison, name: InfoManagerName): string {
	const { consistency, visibleWithinSeconds } = capabilities[name];
	if (consistency === 'isolate') return 'this isolate alone';
	return consistency === 'strong' ? 'strong' : `eventual, within ${visibleWithinSeconds} s`;
}

function costsOf({ operations }: Comparison, name: InfoManagerName): Record<string, string> {
	const counts = operations[contenderOfManager[name]];
	const of = (kind: string): OperationCounts => {
		const found = counts[kind];
		if (!found) throw new Error(`${kind} was not counted`);
		return found;
	};
	const call = of('tools/call, session era');
	const session = addCounts(
		of('initialize'),
		of('notifications/initialized'),
		...Array.from({ length: CALLS_OF_A_SESSION }, () => call),
		of('DELETE'),
		...(of('initialize').shardWrites ? [expiryCounts()] : []),
	);
	return {
		initialize: storageInWords(of('initialize')),
		'an ordinary call': storageInWords(call),
		subscribe: storageInWords(of('resources/subscribe')),
		'end with 2 subscriptions': storageInWords(of('DELETE with 2 subscriptions')),
		'a million calls': inDollars(storeDollarsForAMillion(call)),
		[`a million sessions of ${CALLS_OF_A_SESSION} calls`]: inDollars(
			storeDollarsForAMillion(session),
		),
	};
}

function inDollars(dollars: number): string {
	return `$${dollars.toFixed(2)}`;
}
