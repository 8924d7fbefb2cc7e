import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measurements, readResults } from '../measurements/index.ts';
import type { Results } from '../measurements/index.ts';
import type { Measurement } from '../measurements/measurement.ts';
import type { TaskOperations } from '../operations/count-tasks.ts';
import { growthChart, throughputChart } from './charts.ts';
import { costTable } from './costs.ts';
import { figuresTable } from './figures.ts';
import {
	comparisonTables,
	managerFacts,
	managerNames,
	operationsTables,
	redisFacts,
	sessionObjectCosts,
} from './operations.ts';
import { redisStreamsTable, redisTables } from './redis.ts';
import { readResult, resultsFolder } from './results.ts';
import { engineTable } from './task-engines.ts';
import { taskTables } from './tasks.ts';

const repository = join(import.meta.dirname, '../../..');

/** Generated text in a document, between markers on lines of their own or within a line. */
export interface Section {
	/** The document's path in the repository. */
	readonly document: string;
	/** The name in the markers. */
	readonly name: string;
	readonly text: string;
}

/** Writes the generated sections of all documents, and the charts. */
export async function publish(): Promise<void> {
	for (const section of publishedSections()) {
		const source = readDocument(section.document);
		writeFileSync(join(repository, section.document), withSection(source, section));
	}
	for (const [file, svg] of await publishedCharts()) writeFileSync(file, svg);
}

/** Returns a line for each section and chart that differs from `results/`. */
export async function staleDocuments(): Promise<string[]> {
	const sections = publishedSections()
		.filter((section) => !isCurrent(readDocument(section.document), section))
		.map(
			({ document, name }) => `${document}: the section ${name} differs from benchmarks/results`,
		);
	const charts = (await publishedCharts())
		.filter(([file, svg]) => readFileSync(file, 'utf8') !== svg)
		.map(([file]) => `${file} differs from benchmarks/results`);
	return [...sections, ...charts];
}

/** Generates every section from `results/`. */
export function publishedSections(): Section[] {
	const results = readResults();
	const { operations, capabilities, memory, redis } = results;
	const comparison = { operations, capabilities, redis };
	const format = (name: keyof typeof measurements): Record<string, string> => {
		const measurement: Measurement<object> = measurements[name];
		return { [name]: measurement.format(results[name]) };
	};
	const { session = NaN, stream = NaN } = memory.databaseBytes['session-object'] ?? {};
	const idleBytes = `${((session + stream) / 1024).toFixed(0)} KiB`;
	const documents: Readonly<Record<string, Record<string, string>>> = {
		'docs/benchmarks.md': {
			operations: operationsTables(operations),
			redis: redisTables(redis),
			costs: costTable(operations, memory.databaseBytes, redis),
			...format('throughput'),
			...format('sessions'),
			...format('cpu'),
			...format('profile'),
			...format('fan-out'),
			...format('resume'),
			...format('cold-start'),
			...format('memory'),
			tasks: taskTables(readResult<TaskOperations>('tasks')),
			...format('redis-streams'),
		},
		'docs/tasks.md': {
			engines: engineTable(readResult<TaskOperations>('tasks'), redis.all.tcp),
		},
		'README.md': { figures: figuresTable(operations, results.throughput) },
		'docs/scaling.md': {
			...format('streams'),
			...format('growth'),
			clients: broadcastCosts(results['fan-out']),
		},
		'docs/choosing.md': {
			comparison: comparisonTables(comparison),
			redis: redisFacts(comparison),
			'redis-streams': redisStreamsTable(redis),
			...Object.fromEntries(managerNames.map((name) => [name, managerFacts(comparison, name)])),
		},
		'docs/architecture/session-objects.md': { 'idle-session': idleBytes },
		'docs/session-object.md': { costs: sessionObjectCosts(operations, idleBytes) },
	};
	return Object.entries(documents).flatMap(([document, texts]) =>
		Object.entries(texts).map(([name, text]) => ({ document, name, text })),
	);
}

async function publishedCharts(): Promise<[file: string, svg: string][]> {
	const { throughput, growth, streams } = readResults();
	return [
		[join(resultsFolder, 'throughput.svg'), await throughputChart(throughput)],
		[join(resultsFolder, 'growth.svg'), await growthChart(growth, streams)],
	];
}

function broadcastCosts(fanOut: Results['fan-out']): string {
	const { streams: few, sideBySide, largeStreams: many, large } = fanOut;
	const microseconds = (ms = NaN, count = NaN): string => ((ms * 1000) / count).toFixed(0);
	return (
		`a message to all takes ${microseconds(sideBySide['ours-http']?.all.medianMs, few)} µs for each ` +
		`with ${few.toLocaleString('en')} streams of one isolate, and ` +
		`${microseconds(large['ours-http']?.all.medianMs, many)} µs with ${many.toLocaleString('en')}`
	);
}

/** Reads a document by its path in the repository. */
export function readDocument(document: string): string {
	return readFileSync(join(repository, document), 'utf8');
}

/** Returns a document with the text of a section. Throws unless it has each marker once. */
export function withSection(source: string, section: Section): string {
	const { before, between, after } = split(source, section);
	const gap = between.includes('\n') ? '\n\n' : '';
	return `${before}${gap}${section.text}${gap}${after}`;
}

/** Whether a document contains the text of a section. */
export function isCurrent(source: string, section: Section): boolean {
	return split(source, section).between.trim() === section.text;
}

/** Returns a document without its generated text. */
export function withoutSections(source: string): string {
	return source.replaceAll(/<!-- ([\w-]+): begin -->.*?<!-- \1: end -->/gs, '');
}

function split(source: string, { document, name }: Section) {
	const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
	const [before, rest, ...more] = source.split(begin);
	const [between, after, ...others] = (rest ?? '').split(end);
	if (between === undefined || after === undefined || more.length + others.length > 0) {
		throw new Error(`${document} must contain ${begin} and ${end} once each`);
	}
	return { before: `${before}${begin}`, between, after: `${end}${after}` };
}
