import { parseArgs } from 'node:util';
import { coldStart } from '../measurements/cold-start.ts';
import { fanOut } from '../measurements/fan-out.ts';
import { growth } from '../measurements/growth.ts';
import type { Effort, Measurement } from '../measurements/measurement.ts';
import { memory } from '../measurements/memory.ts';
import { placement } from '../measurements/placement.ts';
import { resume } from '../measurements/resume.ts';
import { sessions } from '../measurements/sessions.ts';
import { streams } from '../measurements/streams.ts';
import { throughput } from '../measurements/throughput.ts';
import { publish } from '../reports/published.ts';
import { writeResult } from '../reports/results.ts';
import type { ResultName } from '../reports/results.ts';

interface Report {
	readonly result: object;
	readonly text: string;
	readonly shortfalls: readonly string[];
}

/** Runs a measurement: pairs its result with its own functions, which the map below would not. */
function runner<Result extends object>(
	measurement: Measurement<Result>,
): (effort: Effort, onProgress: (line: string) => void) => Promise<Report> {
	return async (effort, onProgress) => {
		const result = await measurement.measure(effort, onProgress);
		return {
			result,
			text: measurement.format(result),
			shortfalls: measurement.shortfalls(result, effort),
		};
	};
}

/** The measurements, in the order in which they run. */
const measurements = {
	placement: runner(placement),
	throughput: runner(throughput),
	sessions: runner(sessions),
	'fan-out': runner(fanOut),
	streams: runner(streams),
	resume: runner(resume),
	'cold-start': runner(coldStart),
	memory: runner(memory),
	growth: runner(growth),
} satisfies Partial<Record<ResultName, ReturnType<typeof runner>>>;

type MeasurementName = keyof typeof measurements;

// Safe because the keys are those of the literal above.
const names = Object.keys(measurements) as MeasurementName[];
const { values } = parseArgs({
	options: {
		only: { type: 'string', multiple: true },
		json: { type: 'boolean' },
		write: { type: 'boolean' },
		quick: { type: 'boolean' },
	},
});
const reports: Partial<Record<MeasurementName, Report>> = {};
for (const name of selectedNames(values.only)) {
	const startMs = performance.now();
	const report = await measurements[name](values.quick ? 'quick' : 'full', (line) =>
		console.error(`${name}: ${line}`),
	);
	reports[name] = report;
	if (!values.json) console.log(`\n${name}\n\n${report.text}\n`);
	if (values.write) {
		writeResult(name, report.result);
		await publish();
		console.error(`Wrote benchmarks/results/${name}.json and the documents.`);
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

function selectedNames(only: readonly string[] | undefined): MeasurementName[] {
	const wanted = only?.flatMap((each) => each.split(',')) ?? names;
	const unknown = wanted.filter((each) => !names.some((name) => name === each));
	if (unknown.length > 0) {
		throw new Error(
			`--only must name measurements of ${names.join(', ')}; got ${unknown.join(', ')}`,
		);
	}
	return names.filter((name) => wanted.includes(name));
}
