import { parseArgs } from 'node:util';
import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import { isSound } from './ledger.ts';
import { formatReport, soak } from './soak.ts';

// See README.md for the options.
const { values } = parseArgs({
	options: {
		minutes: { type: 'string', default: '1' },
		streams: { type: 'string', default: '100' },
		messages: { type: 'string', default: '1200' },
		faults: { type: 'string', default: '10' },
		shards: { type: 'string', default: '1' },
		seed: { type: 'string', default: `${Math.floor(Math.random() * 2 ** 31)}` },
		workerd: { type: 'string', default: 'current' },
	},
});
const { workerd: release, ...numbers } = values;
const workerd = workerdVersions.find((version) => version === release);
if (!workerd) {
	throw new Error(`--workerd must be ${workerdVersions.join(' or ')}; got ${release}`);
}
for (const [name, value] of Object.entries(numbers)) {
	if (!(Number(value) >= 0)) throw new Error(`--${name} must be a number from 0; got ${value}`);
}
const options = {
	minutes: Number(values.minutes),
	streams: Number(values.streams),
	messages: Number(values.messages),
	faults: Number(values.faults),
	shards: Number(values.shards),
	seed: Number(values.seed),
	workerd,
};
console.log(
	Object.entries(options)
		.map(([name, value]) => `--${name} ${value}`)
		.join(' '),
);
const startMs = performance.now();
const result = await soak(options, (line) => {
	const seconds = ((performance.now() - startMs) / 1_000).toFixed(0);
	console.error(`${seconds.padStart(5)} s  ${line}`);
});
console.log(formatReport(result));
process.exitCode = isSound(result.total) ? 0 : 1;
