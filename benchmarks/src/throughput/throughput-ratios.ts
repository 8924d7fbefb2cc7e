import type { Contender } from '../contenders.ts';
import { median } from '../median.ts';
import { versionOf } from '../results.ts';
import type { Samples } from './measure-throughput.ts';
import { workNames, works } from './works.ts';
import type { WorkName } from './works.ts';

/** Whom a speed is given beside, 1 being as fast; no ratio where that one was not measured. */
const references = {
	toBareWorker: 'bare-worker',
	/** A bare Worker that calls a Durable Object once. */
	toObjectCall: 'bare-worker-object',
	/** tmcp with its managers in memory and nothing around its transport. */
	toMemoryBare: 'memory-bare',
	toUpstream: 'upstream',
} as const satisfies Record<string, Contender>;

/** How fast a contender is beside others. */
export type Ratios = Partial<Record<keyof typeof references, number>>;

/** What is kept of a measurement: ratios, which say more on another machine than figures would. */
export interface Throughput {
	readonly versions: Record<string, string>;
	/** How many rounds the medians are of. */
	readonly rounds: Record<WorkName, number>;
	readonly works: Record<WorkName, Partial<Record<Contender, Ratios>>>;
}

const measuredPackages = [
	'tmcp',
	'@tmcp/transport-http',
	'@tmcp/session-manager-durable-objects',
	'agents',
	'@modelcontextprotocol/sdk',
	'@modelcontextprotocol/server',
	'miniflare',
	'workerd',
];

/** Medians over the rounds of the ratios within each round, so that load from elsewhere counts less. */
export function throughputOf(samples: Samples): Throughput {
	const ratiosOf = (work: WorkName, contender: Contender): Ratios => {
		const own = samples[work][contender] ?? [];
		const ratios: Ratios = {};
		for (const [name, reference] of Object.entries(references)) {
			const others = samples[work][reference];
			if (!others) continue;
			const ratio = median(own.map((speed, round) => speed / (others[round] ?? NaN)));
			// Sound: the keys are those of the literal above.
			ratios[name as keyof Ratios] = Number(ratio.toFixed(3));
		}
		return ratios;
	};
	const byWork = workNames.map((work) => [
		work,
		Object.fromEntries(works[work].contenders.map((name) => [name, ratiosOf(work, name)])),
	]);
	const rounds = workNames.map((work) => [work, samples[work]['bare-worker']?.length ?? 0]);
	return {
		versions: Object.fromEntries(measuredPackages.map((name) => [name, versionOf(name)])),
		// Sound: one entry for each kind of work in both.
		rounds: Object.fromEntries(rounds) as Throughput['rounds'],
		works: Object.fromEntries(byWork) as Throughput['works'],
	};
}
