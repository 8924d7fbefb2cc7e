import { managerNames } from './comparison/compared-managers.ts';
import { comparisonTables, managerFacts } from './comparison/comparison-table.ts';
import type { Comparison } from './comparison/comparison-table.ts';
import { compactOperationsTable, operationsTables } from './operations/operations-table.ts';
import { fanOutText } from './fan-out/fan-out-text.ts';
import type { FanOutResult } from './fan-out/fan-out-text.ts';
import type { StreamCosts } from './growth/measure-streams.ts';
import { streamsText } from './growth/streams-text.ts';
import { placementText } from './placement/placement-text.ts';
import type { PlacementResult } from './placement/simulate-placement.ts';
import type { Section } from './results.ts';
import { compactThroughputTable, throughputText } from './throughput/throughput-ratios.ts';
import type { Throughput } from './throughput/throughput-ratios.ts';

/** The documents that have generated sections. */
const documents = {
	benchmarks: 'benchmarks/README.md',
	project: 'README.md',
	choosing: 'docs/choosing.md',
	scaling: 'docs/scaling.md',
};

/** Whatever is published of the counted operations. */
export function operationsSections(comparison: Comparison): Section[] {
	const { operations } = comparison;
	const facts = managerNames.map((name) => ({
		document: documents.choosing,
		name,
		text: managerFacts(comparison, name),
	}));
	return [
		{
			document: documents.benchmarks,
			name: 'operations',
			text: operationsTables(operations),
		},
		{ document: documents.project, name: 'operations', text: compactOperationsTable(operations) },
		{ document: documents.project, name: 'comparison', text: comparisonTables(comparison) },
		...facts,
	];
}

/** Whatever is published of the measured throughput. */
export function throughputSections(throughput: Throughput): Section[] {
	return [
		{ document: documents.benchmarks, name: 'throughput', text: throughputText(throughput) },
		{ document: documents.project, name: 'throughput', text: compactThroughputTable(throughput) },
	];
}

/** Whatever is published of the simulated placement. */
export function placementSections(placement: PlacementResult): Section[] {
	return [{ document: documents.scaling, name: 'placement', text: placementText(placement) }];
}

/** Whatever is published of how long messages take to their streams. */
export function fanOutSections(fanOut: FanOutResult): Section[] {
	return [{ document: documents.benchmarks, name: 'fan-out', text: fanOutText(fanOut) }];
}

/** Whatever is published of what streams cost their object. */
export function streamsSections(streams: StreamCosts): Section[] {
	return [{ document: documents.scaling, name: 'streams', text: streamsText(streams) }];
}
