import { parseArgs } from 'node:util';
import { throughputSections } from '../published-sections.ts';
import { writeResult, writeSection } from '../results.ts';
import { measureThroughput } from './measure-throughput.ts';
import { throughputOf, throughputText } from './throughput-ratios.ts';

/** At 32 connections, through `http`. */
const LEAST_RATIO_TO_UPSTREAM = 2;
/** At 32 connections: what the handler leaves of a bare transport, both with managers in memory. */
const LEAST_RATIO_TO_MEMORY_BARE = 0.9;
/** At 32 connections, to the limit of whatever asks an object once for each call. */
const LEAST_RATIO_TO_OBJECT_CALL = 0.6;

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
	writeResult('throughput', throughput);
	for (const section of throughputSections(throughput)) writeSection(section);
	console.error(
		'Written to benchmarks/results/throughput.json, benchmarks/README.md and README.md.',
	);
}
const at32 = throughput.connections[32];
const ofObjects = (['ours-object', 'ours-object-bare'] as const).map((name) => {
	const { toObjectCall, toObjectRow } = at32[name];
	console.error(
		`At 32 connections ${name} has ${toObjectCall} of the speed of one object call, ${toObjectRow} of one that reads a row.`,
	);
	return toObjectCall;
});
const { toUpstream } = at32['ours-http'];
const { toMemoryBare } = at32['memory-http'];
console.error(`At 32 connections http has ${toMemoryBare} of the speed of a bare transport.`);
// A quick run shows that it runs; its figures say little.
if (!values.quick) {
	expectAtLeast(LEAST_RATIO_TO_UPSTREAM, toUpstream, 'to upstream');
	expectAtLeast(LEAST_RATIO_TO_MEMORY_BARE, toMemoryBare, 'of http to a bare transport');
	expectAtLeast(LEAST_RATIO_TO_OBJECT_CALL, Math.max(...ofObjects), 'to one object call');
}

function expectAtLeast(least: number, found: number, ratio: string): void {
	if (found >= least) return;
	console.error(`At 32 connections the ratio ${ratio} is ${found}, expected at least ${least}.`);
	process.exitCode = 1;
}
