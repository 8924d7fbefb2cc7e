import type { Aim } from '../aims.ts';
import { titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import type { Ratios, Throughput } from './throughput-ratios.ts';

/** What calls at 32 connections are to reach. */
export function throughputAims({ works }: Throughput): Aim[] {
	const of = (name: Contender, reference: keyof Ratios): number | undefined =>
		works['call-32'][name]?.[reference];
	const beside = (name: Contender, other: Contender): string =>
		`${titleOf(name)}, to ${titleOf(other)}`;
	const ofObjects = [of('ours-object', 'toObjectCall'), of('ours-object-bare', 'toObjectCall')];
	return [
		{
			what: beside('memory-http', 'memory-bare'),
			least: 0.9,
			found: of('memory-http', 'toMemoryBare'),
		},
		{ what: beside('ours-http', 'upstream'), least: 2, found: of('ours-http', 'toUpstream') },
		{
			what: 'Durable Objects alone, the faster of both, to a bare Worker with one call of a Durable Object',
			least: 0.6,
			found: Math.max(...ofObjects.map((ratio) => ratio ?? NaN)),
		},
		{
			what: beside('ours-sealed', 'memory-bare'),
			least: 0.9,
			found: of('ours-sealed', 'toMemoryBare'),
		},
		{ what: beside('ours-sealed', 'upstream'), least: 5, found: of('ours-sealed', 'toUpstream') },
	];
}
