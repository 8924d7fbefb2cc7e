import { coldStartText } from '../cold-start/cold-start-text.ts';
import { comparisonTables, managerFacts } from '../comparison/comparison-table.ts';
import { managerNames } from '../comparison/compared-managers.ts';
import { costTable } from '../costs/cost-table.ts';
import { fanOutText } from '../fan-out/fan-out-text.ts';
import { curvesText } from '../growth/curves-text.ts';
import { growthPicture } from '../growth/growth-picture.ts';
import { growthText } from '../growth/growth-text.ts';
import { streamsText } from '../growth/streams-text.ts';
import { memoryText } from '../memory/memory-text.ts';
import { millionSessions } from '../model/million-sessions.ts';
import { compactOperationsTable, operationsTables } from '../operations/operations-table.ts';
import { placementText } from '../placement/placement-text.ts';
import { readResult } from '../results.ts';
import type { Picture, Results } from '../results.ts';
import { resumeText } from '../resume/resume-text.ts';
import { sessionsText } from '../sessions/sessions-text.ts';
import { throughputPicture } from '../throughput/throughput-picture.ts';
import { compactThroughputTable, throughputText } from '../throughput/throughput-tables.ts';
import { figures } from './figures.ts';
import type { Section } from './sections.ts';

/** Everything that documents say of `results/`. */
export function publishedSections(results: Results = readResults()): Section[] {
	const { operations, capabilities, memory, streams } = results;
	const comparison = { operations, capabilities };
	const benchmarks: Record<string, string> = {
		operations: operationsTables(operations),
		costs: costTable(operations, memory),
		throughput: throughputText(results.throughput),
		sessions: sessionsText(results.sessions),
		'fan-out': fanOutText(results['fan-out']),
		resume: resumeText(results.resume),
		'cold-start': coldStartText(results['cold-start']),
		memory: memoryText(memory),
	};
	const project: Record<string, string> = {
		comparison: comparisonTables(comparison),
		operations: compactOperationsTable(operations),
		throughput: compactThroughputTable(results.throughput),
	};
	const scaling: Record<string, string> = {
		curves: curvesText(results.growth, streams),
		placement: placementText(results.placement),
		streams: streamsText(streams),
		growth: growthText(results.growth),
		model: millionSessions({ operations, memory, streams }),
	};
	const choosing = managerNames.map((name) => [name, managerFacts(comparison, name)] as const);
	return [
		...sectionsOf('benchmarks/README.md', benchmarks),
		...sectionsOf('README.md', project),
		...sectionsOf('docs/scaling.md', scaling),
		...sectionsOf('docs/choosing.md', Object.fromEntries(choosing)),
		...figures(results),
	];
}

/** The pictures that documents show. */
export function publishedPictures({ throughput, growth, streams } = readResults()): Picture[] {
	return [
		{ name: 'throughput', text: throughputPicture(throughput) },
		{ name: 'growth', text: growthPicture(growth, streams) },
	];
}

function sectionsOf(document: string, texts: Record<string, string>): Section[] {
	return Object.entries(texts).map(([name, text]) => ({ document, name, text }));
}

function readResults(): Results {
	return {
		capabilities: readResult('capabilities'),
		'cold-start': readResult('cold-start'),
		'fan-out': readResult('fan-out'),
		growth: readResult('growth'),
		memory: readResult('memory'),
		operations: readResult('operations'),
		placement: readResult('placement'),
		resume: readResult('resume'),
		sessions: readResult('sessions'),
		streams: readResult('streams'),
		throughput: readResult('throughput'),
	};
}
