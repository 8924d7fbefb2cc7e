import { parseArgs } from 'node:util';
import { writeResult } from '../results.ts';
import { measureThroughput } from './measure-throughput.ts';
import { throughputOf, throughputText } from './throughput-ratios.ts';

/** At 32 connections, through `http`. */
const LEAST_RATIO_TO_UPSTREAM = 2;

const { values } = parseArgs({
	options: { json: { type: 'boolean' }, write: { type: 'boolean' }, quick: { type: 'boolean' } },
});
const effort = values.quick ? { rounds: 1, seconds: 0.1 } : { rounds: 15, seconds: 1 };
console.error('Opening sessions and warming up …');
const samples = await measureThroughput(effort, (line) => console.error(line));
const throughput = throughputOf(samples);
const text = throughputText(throughput);
console.log(values.json ? JSON.stringify({ ...throughput, samples }, null, 2) : text);
if (values.write) {
	writeResult('throughput', throughput, text);
	console.error('Written to benchmarks/results/throughput.json and benchmarks/README.md.');
}
const { toUpstream } = throughput.connections[32]['ours-http'];
// A quick run shows that it runs; its figures say little.
if (!values.quick && toUpstream < LEAST_RATIO_TO_UPSTREAM) {
	console.error(
		`At 32 connections ours is ${toUpstream} times as fast as upstream, expected at least ${LEAST_RATIO_TO_UPSTREAM}.`,
	);
	process.exitCode = 1;
}
