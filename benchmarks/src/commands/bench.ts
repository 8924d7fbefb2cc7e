import { parseArgs } from 'node:util';
import { measurements } from '../measurements/index.ts';
import { missedAims } from '../measurements/measurement.ts';
import type { Measurement } from '../measurements/measurement.ts';
import { publish } from '../reports/documents.ts';
import { readResult, writeResult } from '../reports/results.ts';

const all: Readonly<Record<string, Measurement<object>>> = measurements;

/** Runs the measurements that the arguments select. */
export async function bench(args: string[]): Promise<void> {
	const { values } = parseArgs({
		args,
		options: {
			only: { type: 'string', multiple: true, default: Object.keys(all) },
			json: { type: 'boolean', default: false },
			write: { type: 'boolean', default: false },
			quick: { type: 'boolean', default: false },
		},
	});
	const effort = values.quick ? 'quick' : 'full';
	const results: Record<string, object> = {};
	for (const name of values.only.flatMap((each) => each.split(','))) {
		const measurement = all[name];
		if (!measurement) {
			throw new Error(
				`--only must name measurements of ${Object.keys(all).join(', ')}; got ${name}`,
			);
		}
		const startMs = performance.now();
		const result = await measurement.measure(effort, (line) => console.error(`${name}: ${line}`));
		results[name] = result;
		if (!values.json) console.log(`\n${name}\n\n${measurement.format(result)}\n`);
		const comparisons =
			effort === 'full' ? (measurement.compare?.(result, readResult(name)) ?? []) : [];
		if (values.write) {
			writeResult(name, result);
			await publish();
			console.error(`Wrote benchmarks/results/${name}.json and the documents.`);
		}
		console.error(`${name} took ${Math.round((performance.now() - startMs) / 1000)} s`);
		for (const missed of missedAims(measurement.aims?.(result) ?? [], effort)) {
			console.error(missed);
			process.exitCode = 1;
		}
		for (const { line, isWorse } of comparisons) {
			console.error(line);
			if (isWorse) process.exitCode = 1;
		}
	}
	if (values.json) console.log(JSON.stringify(results, null, 2));
}

if (import.meta.main) await bench(process.argv.slice(2));
