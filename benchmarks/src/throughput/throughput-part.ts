import { missed } from '../aims.ts';
import type { Effort, Part } from '../bench/part.ts';
import { measureThroughput } from './measure-throughput.ts';
import type { ThroughputEffort } from './measure-throughput.ts';
import { throughputAims } from './throughput-aims.ts';
import { throughputOf } from './throughput-ratios.ts';
import { throughputText } from './throughput-tables.ts';

const one = { least: 1, most: 1 };
const efforts: Readonly<Record<Effort, ThroughputEffort>> = {
	full: {
		rounds: { least: 5, most: 9 },
		sessionRounds: { least: 3, most: 5 },
		seconds: 0.5,
		warmUps: 10,
	},
	quick: { rounds: one, sessionRounds: one, seconds: 0.05, warmUps: 1 },
};

/** How fast requests are answered. */
export const throughputPart: Part = async (effort, onProgress) => {
	const throughput = throughputOf(await measureThroughput(efforts[effort], onProgress));
	return {
		result: throughput,
		text: throughputText(throughput),
		shortfalls: effort === 'quick' ? [] : missed(throughputAims(throughput)),
	};
};
