import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { coldStart } from '../measurements/cold-start.ts';
import { fanOut } from '../measurements/fan-out.ts';
import type { FanOut } from '../measurements/fan-out.ts';
import { growth } from '../measurements/growth.ts';
import { memory } from '../measurements/memory.ts';
import type { Memory } from '../measurements/memory.ts';
import { placement } from '../measurements/placement.ts';
import { resume } from '../measurements/resume.ts';
import { sessions } from '../measurements/sessions.ts';
import { streams } from '../measurements/streams.ts';
import { shortThroughputTable, throughput } from '../measurements/throughput.ts';
import { SESSION_CALL } from '../operations/count-operations.ts';
import type { Operations } from '../operations/count-operations.ts';
import { IDLE_DAY } from '../operations/idle-sessions.ts';
import { describeCounts } from '../operations/operation-counts.ts';
import { operationsTables, shortOperationsTable } from '../operations/operations-tables.ts';
import { growthChart, throughputChart } from './charts.ts';
import { comparisonTables, managerFacts, managerNames } from './comparison.ts';
import { CALLS_PER_SESSION, costTable, sessionDollars } from './costs.ts';
import { curvesTable } from './curves.ts';
import { millionSessions } from './model.ts';
import { dollarsPerMillion, formatDollars } from './prices.ts';
import { readResults, resultsFolder } from './results.ts';
import type { Results } from './results.ts';
import { isCurrent, readDocument, writeSection } from './sections.ts';
import type { Section } from './sections.ts';

interface Chart {
	/** The name of its file in `results/`, without the extension. */
	readonly name: string;
	readonly svg: string;
}

/** Writes the generated sections of all documents, and the charts. */
export async function publish(): Promise<void> {
	for (const section of publishedSections()) writeSection(section);
	for (const { name, svg } of await publishedCharts()) writeFileSync(chartFile(name), svg);
}

/** Returns a line for each section and chart that differs from `results/`. */
export async function staleDocuments(): Promise<string[]> {
	const sections = publishedSections()
		.filter((section) => !isCurrent(readDocument(section.document), section))
		.map(
			({ document, name }) => `${document}: the section ${name} differs from benchmarks/results`,
		);
	const charts = (await publishedCharts())
		.filter(({ name, svg }) => readFileSync(chartFile(name), 'utf8') !== svg)
		.map(({ name }) => `benchmarks/results/${name}.svg differs from ${name}.json`);
	return [...sections, ...charts];
}

/** Generates every section from `results/`. */
export function publishedSections(results: Results = readResults()): Section[] {
	const { operations, capabilities } = results;
	const comparison = { operations, capabilities };
	const choosing = managerNames.map((name) => [name, managerFacts(comparison, name)] as const);
	return [
		...sectionsOf('docs/benchmarks.md', {
			operations: operationsTables(operations),
			costs: costTable(operations, results.memory),
			throughput: throughput.format(results.throughput),
			sessions: sessions.format(results.sessions),
			'fan-out': fanOut.format(results['fan-out']),
			resume: resume.format(results.resume),
			'cold-start': coldStart.format(results['cold-start']),
			memory: memory.format(results.memory),
		}),
		...sectionsOf('README.md', {
			comparison: comparisonTables(comparison),
			operations: shortOperationsTable(operations),
			throughput: shortThroughputTable(results.throughput),
		}),
		...sectionsOf('docs/scaling.md', {
			curves: curvesTable(results.growth, results.streams),
			placement: placement.format(results.placement),
			streams: streams.format(results.streams),
			growth: growth.format(results.growth),
			model: millionSessions(results),
			clients: broadcastCosts(results['fan-out']),
		}),
		...sectionsOf('docs/choosing.md', Object.fromEntries(choosing)),
		...sectionsOf('docs/architecture/session-objects.md', {
			'idle-session': idleSessionBytes(results.memory),
		}),
		...sectionsOf('packages/session-object/README.md', {
			costs: sessionObjectCosts(operations, results.memory),
		}),
	];
}

async function publishedCharts(): Promise<Chart[]> {
	const results = readResults();
	return [
		{ name: 'throughput', svg: await throughputChart(results.throughput) },
		{ name: 'growth', svg: await growthChart(results.growth, results.streams) },
	];
}

function chartFile(name: string): string {
	return join(resultsFolder, `${name}.svg`);
}

function sectionsOf(document: string, texts: Record<string, string>): Section[] {
	return Object.entries(texts).map(([name, text]) => ({ document, name, text }));
}

function sessionObjectCosts(operations: Operations, memoryResult: Memory): string {
	const counts = operations['session-object'];
	const describe = (kind: string): string => describeCounts(counts[kind] ?? {});
	return [
		`- \`initialize\`: ${describe('initialize')}`,
		`- a call that responds at once: ${describe(SESSION_CALL)}; ${formatDollars(dollarsPerMillion(counts[SESSION_CALL] ?? {}))} a million`,
		`- DELETE, and the alarm that empties the object half a minute later: ${describe('DELETE')}`,
		`- a million sessions of ${CALLS_PER_SESSION} calls: ${formatDollars(sessionDollars(operations, 'session-object'))}`,
		`- ${IDLE_DAY}: ${describe(IDLE_DAY)}`,
		`- an idle session with a stream: ${idleSessionBytes(memoryResult)} in SQLite`,
	].join('\n');
}

/** Formats what a session with its own object and its stream store in SQLite. */
function idleSessionBytes({ databaseBytes }: Memory): string {
	const { session = NaN, stream = NaN } = databaseBytes['session-object'] ?? {};
	return `${((session + stream) / 1024).toFixed(0)} KiB`;
}

function broadcastCosts({ streams: few, sideBySide, largeStreams: many, large }: FanOut): string {
	const microseconds = (ms: number | undefined, count: number): string =>
		(((ms ?? NaN) * 1000) / count).toFixed(0);
	return (
		`a message to all takes ${microseconds(sideBySide['ours-http']?.all.medianMs, few)} µs for each ` +
		`with ${few.toLocaleString('en')} streams of one isolate, and ` +
		`${microseconds(large['ours-http']?.all.medianMs, many)} µs with ${many.toLocaleString('en')}`
	);
}
