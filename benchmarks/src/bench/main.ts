import { parseArgs } from 'node:util';
import { coldStartPart } from '../cold-start/cold-start-part.ts';
import { fanOutPart } from '../fan-out/fan-out-part.ts';
import { growthPart } from '../growth/growth-part.ts';
import { streamsPart } from '../growth/streams-part.ts';
import { memoryPart } from '../memory/memory-part.ts';
import { placementPart } from '../placement/placement-part.ts';
import { resumePart } from '../resume/resume-part.ts';
import { publish } from '../documents/publish.ts';
import { writeResult } from '../results.ts';
import type { ResultName } from '../results.ts';
import { sessionsPart } from '../sessions/sessions-part.ts';
import { throughputPart } from '../throughput/throughput-part.ts';
import type { Part, PartReport } from './part.ts';

/** In the order in which they run. */
const parts = {
	placement: placementPart,
	throughput: throughputPart,
	sessions: sessionsPart,
	'fan-out': fanOutPart,
	streams: streamsPart,
	resume: resumePart,
	'cold-start': coldStartPart,
	memory: memoryPart,
	growth: growthPart,
} satisfies Partial<Record<ResultName, Part>>;

type PartName = keyof typeof parts;

// Sound: the keys are those of the literal above.
const names = Object.keys(parts) as PartName[];
const { values } = parseArgs({
	options: {
		only: { type: 'string', multiple: true },
		json: { type: 'boolean' },
		write: { type: 'boolean' },
		quick: { type: 'boolean' },
	},
});
const reports: Partial<Record<PartName, PartReport>> = {};
for (const name of chosenParts(values.only)) {
	const startMs = performance.now();
	const report = await parts[name](values.quick ? 'quick' : 'full', (line) =>
		console.error(`${name}: ${line}`),
	);
	reports[name] = report;
	if (!values.json) console.log(`\n${name}\n\n${report.text}\n`);
	if (values.write) {
		writeResult(name, report.result);
		publish();
		console.error(`Written to benchmarks/results/${name}.json and the documents.`);
	}
	console.error(`${name} took ${Math.round((performance.now() - startMs) / 1000)} s`);
}
if (values.json) {
	const results = Object.entries(reports).map(([name, { result }]) => [name, result]);
	console.log(JSON.stringify(Object.fromEntries(results), null, 2));
}
for (const shortfall of Object.values(reports).flatMap((report) => report.shortfalls)) {
	console.error(shortfall);
	process.exitCode = 1;
}

/** @throws where one is unknown. */
function chosenParts(only: readonly string[] | undefined): PartName[] {
	const wanted = only?.flatMap((each) => each.split(',')) ?? names;
	const unknown = wanted.filter((each) => !names.some((name) => name === each));
	if (unknown.length > 0) {
		throw new Error(`--only takes ${names.join(', ')}; found ${unknown.join(', ')}`);
	}
	return names.filter((name) => wanted.includes(name));
}
