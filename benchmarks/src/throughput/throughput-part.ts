import type { Effort, Part } from '../bench/part.ts';
import { throughputPictures, throughputSections } from '../published-sections.ts';
import { measureThroughput } from './measure-throughput.ts';
import type { ThroughputEffort } from './measure-throughput.ts';
import { throughputOf, throughputText } from './throughput-ratios.ts';
import type { Throughput } from './throughput-ratios.ts';

const efforts: Readonly<Record<Effort, ThroughputEffort>> = {
	full: { rounds: 9, sessionRounds: 5, seconds: 0.5, warmUps: 10 },
	quick: { rounds: 1, sessionRounds: 1, seconds: 0.05, warmUps: 1 },
};

/** At 32 connections, through `http` with KV. */
const LEAST_RATIO_TO_UPSTREAM = 2;
/** At 32 connections: what the handler leaves of a bare transport, both with managers in memory. */
const LEAST_RATIO_TO_MEMORY_BARE = 0.9;
/** At 32 connections, to the limit of whatever asks an object once for each call. */
const LEAST_RATIO_TO_OBJECT_CALL = 0.6;

/** How fast requests are answered. */
export const throughputPart: Part = async (effort, onProgress) => {
	const samples = await measureThroughput(efforts[effort], onProgress);
	const throughput = throughputOf(samples);
	return {
		result: throughput,
		text: throughputText(throughput),
		sections: throughputSections(throughput),
		pictures: throughputPictures(throughput),
		shortfalls: effort === 'quick' ? [] : shortfallsOf(throughput),
	};
};

function shortfallsOf({ works }: Throughput): string[] {
	const calls = works['call-32'];
	const ofObjects = [calls['ours-object'], calls['ours-object-bare']];
	return [
		shortfall(
			'of KV through http to upstream',
			calls['ours-http']?.toUpstream,
			LEAST_RATIO_TO_UPSTREAM,
		),
		shortfall(
			'of http to a bare transport',
			calls['memory-http']?.toMemoryBare,
			LEAST_RATIO_TO_MEMORY_BARE,
		),
		shortfall(
			'of Durable Objects to one object call',
			Math.max(...ofObjects.map((ratios) => ratios?.toObjectCall ?? 0)),
			LEAST_RATIO_TO_OBJECT_CALL,
		),
	].flat();
}

function shortfall(ratio: string, found: number | undefined, least: number): string[] {
	if (found !== undefined && found >= least) return [];
	return [
		`At 32 connections the ratio ${ratio} is ${found ?? 'unknown'}, expected at least ${least}.`,
	];
}
