import { managerNames } from './comparison/compared-managers.ts';
import { coldStartText } from './cold-start/cold-start-text.ts';
import type { ColdStarts } from './cold-start/measure-cold-start.ts';
import { costTable } from './costs/cost-table.ts';
import type { Memory } from './memory/measure-memory.ts';
import { memoryText } from './memory/memory-text.ts';
import type { ModelInput } from './model/million-sessions.ts';
import { millionSessions } from './model/million-sessions.ts';
import type { Resumptions } from './resume/measure-resume.ts';
import { resumeText } from './resume/resume-text.ts';
import { readResult } from './results.ts';
import { comparisonTables, managerFacts } from './comparison/comparison-table.ts';
import type { Comparison } from './comparison/comparison-table.ts';
import type { Operations } from './operations/count-operations.ts';
import { compactOperationsTable, operationsTables } from './operations/operations-table.ts';
import { fanOutText } from './fan-out/fan-out-text.ts';
import type { FanOutResult } from './fan-out/fan-out-text.ts';
import { growthText } from './growth/growth-text.ts';
import type { Growth } from './growth/measure-growth.ts';
import type { StreamCosts } from './growth/measure-streams.ts';
import { streamsText } from './growth/streams-text.ts';
import { placementText } from './placement/placement-text.ts';
import type { PlacementResult } from './placement/simulate-placement.ts';
import type { Picture, Section } from './results.ts';
import { throughputPicture } from './throughput/throughput-picture.ts';
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
		costSection(operations, readResult('memory')),
		modelSection({ operations, memory: readResult('memory'), streams: readResult('streams') }),
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

/** Its pictures, which the project's README shows. */
export function throughputPictures(throughput: Throughput): Picture[] {
	return [{ name: 'throughput', text: throughputPicture(throughput) }];
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
	const operations = readResult<Operations>('operations');
	return [
		{ document: documents.scaling, name: 'streams', text: streamsText(streams) },
		modelSection({ operations, memory: readResult('memory'), streams }),
	];
}

/** Whatever is published of what a client gets that lost its connection. */
export function resumeSections(found: Resumptions): Section[] {
	return [{ document: documents.benchmarks, name: 'resume', text: resumeText(found) }];
}

/** Whatever is published of cold starts. */
export function coldStartSections(found: ColdStarts): Section[] {
	return [{ document: documents.benchmarks, name: 'cold-start', text: coldStartText(found) }];
}

/** Whatever is published of what idle streams and sessions hold; the costs are made of it too. */
export function memorySections(memory: Memory): Section[] {
	return [
		{ document: documents.benchmarks, name: 'memory', text: memoryText(memory) },
		costSection(readResult('operations'), memory),
		modelSection({
			operations: readResult('operations'),
			memory,
			streams: readResult('streams'),
		}),
	];
}

/** Whatever is published of what grows with sessions and subscribers. */
export function growthSections(growth: Growth): Section[] {
	return [{ document: documents.scaling, name: 'growth', text: growthText(growth) }];
}

function modelSection(input: ModelInput): Section {
	return { document: documents.scaling, name: 'model', text: millionSessions(input) };
}

function costSection(operations: Operations, memory: Memory): Section {
	return { document: documents.benchmarks, name: 'costs', text: costTable(operations, memory) };
}
