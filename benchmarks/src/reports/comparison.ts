import { contenderOfManager } from '../contenders.ts';
import type { InfoManagerName } from '../contenders.ts';
import { SESSION_CALL } from '../operations/count-operations.ts';
import type { Operations } from '../operations/count-operations.ts';
import { describeStorage } from '../operations/operation-counts.ts';
import type { OperationCounts } from '../operations/operation-counts.ts';
import type { DeclaredCapabilities } from '../operations/read-capabilities.ts';
import { CALLS_PER_SESSION, sessionCounts } from './costs.ts';
import { table } from './markdown.ts';
import { formatDollars, storeDollarsPerMillion } from './prices.ts';

/** The sources of the comparison. */
export interface Comparison {
	readonly capabilities: DeclaredCapabilities;
	readonly operations: Operations;
}

interface ManagerRow {
	readonly title: string;
	/** The folders in `packages` of the packages that it needs. */
	readonly packages: readonly string[];
	readonly runtimes: string;
}

/** The rows of the comparison: what is neither counted nor declared. */
const managers: Readonly<Record<InfoManagerName, ManagerRow>> = {
	memory: { title: 'memory', packages: ['core'], runtimes: 'any, in one process' },
	kv: { title: 'KV', packages: ['info-kv'], runtimes: 'Cloudflare Workers' },
	'durable-object': {
		title: 'Durable Object',
		packages: ['info-durable-object'],
		runtimes: 'Cloudflare Workers',
	},
	mixed: {
		title: 'mixed (`splitInfo`)',
		packages: ['info-kv', 'info-durable-object'],
		runtimes: 'Cloudflare Workers',
	},
	cached: {
		title: 'cached (`cachedInfo`)',
		packages: ['info-kv', 'info-durable-object'],
		runtimes: 'Cloudflare Workers',
	},
	upstash: { title: 'Upstash', packages: ['info-upstash'], runtimes: 'any with `fetch`' },
	sealed: {
		title: 'sealed, over Durable Object',
		packages: ['info-sealed', 'info-durable-object'],
		runtimes: 'those of the store under it',
	},
};

/** The info managers, in the order of the rows. */
// Safe because the keys are those of the literal above.
export const managerNames = Object.keys(managers) as InfoManagerName[];

/** The guarantees of each info manager, and its costs: a row for each in two tables. */
export function comparisonTables(comparison: Comparison): string {
	const guarantees = table(
		['info in', 'package', 'runtimes', 'consistency', 'expires by itself', 'longest id', 'atomic'],
		managerNames.map((name) => {
			const { title, packages, runtimes } = managers[name];
			const { ttlFloorSeconds, maxIdBytes, atomicUpdate } = comparison.capabilities[name];
			return [
				title,
				packages.map((each) => `[\`${each}\`](packages/${each})`).join(', '),
				runtimes,
				describeConsistency(comparison, name),
				ttlFloorSeconds === 0 ? 'on time' : `after ${ttlFloorSeconds} s or later`,
				`${maxIdBytes} bytes`,
				atomicUpdate ? 'yes' : 'no',
			];
		}),
	);
	const costs = table(
		['info in', ...Object.keys(costsOf(comparison, 'memory'))],
		managerNames.map((name) => [managers[name].title, ...Object.values(costsOf(comparison, name))]),
	);
	return `${guarantees}\n\n${costs}`;
}

/** The guarantees and costs of one info manager as a list. */
export function managerFacts(comparison: Comparison, name: InfoManagerName): string {
	const { ttlFloorSeconds, maxIdBytes, atomicUpdate } = comparison.capabilities[name];
	const guarantees = [
		`consistency: ${describeConsistency(comparison, name)}`,
		atomicUpdate
			? 'two concurrent updates both persist'
			: 'one of two concurrent updates may be lost',
		`ids of up to ${maxIdBytes} bytes`,
		...(ttlFloorSeconds === 0 ? [] : [`keys kept for at least ${ttlFloorSeconds} s`]),
	];
	const costs = Object.entries(costsOf(comparison, name)).map(
		([what, cost]) => `- ${what}: ${cost}`,
	);
	return [`- ${guarantees.join('; ')}`, ...costs].join('\n');
}

function describeConsistency({ capabilities }: Comparison, name: InfoManagerName): string {
	const { consistency, visibleWithinSeconds } = capabilities[name];
	if (consistency === 'isolate') return 'this isolate alone';
	return consistency === 'strong' ? 'strong' : `eventual, within ${visibleWithinSeconds} s`;
}

function costsOf({ operations }: Comparison, name: InfoManagerName): Record<string, string> {
	const counts = operations[contenderOfManager[name]];
	const countsOf = (kind: string): OperationCounts => {
		const found = counts[kind];
		if (!found) throw new Error(`operations of ${kind} must be counted; found none of ${name}`);
		return found;
	};
	const call = countsOf(SESSION_CALL);
	const session = sessionCounts(counts);
	return {
		initialize: describeStorage(countsOf('initialize')),
		'an ordinary call': describeStorage(call),
		subscribe: describeStorage(countsOf('resources/subscribe')),
		'end with 2 subscriptions': describeStorage(countsOf('DELETE with 2 subscriptions')),
		'a million calls': formatDollars(storeDollarsPerMillion(call)),
		[`a million sessions of ${CALLS_PER_SESSION} calls`]: formatDollars(
			storeDollarsPerMillion(session),
		),
	};
}
