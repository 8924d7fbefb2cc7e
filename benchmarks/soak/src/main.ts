import { parseArgs } from 'node:util';
import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import { isSound } from './ledger.ts';
import { soakRedis } from './redis/redis-soak.ts';
import { formatReport, soak } from './soak.ts';

// README.md describes the options.
const seed = Math.floor(Math.random() * 2 ** 31);
const options = { minutes: 1, streams: 100, messages: 1_200, faults: 10, shards: 1, seed };
// Safe because the keys are those of the literal above.
const names = Object.keys(options) as (keyof typeof options)[];
const { values } = parseArgs({
	options: Object.fromEntries(
		[...names, 'workerd', 'over'].map((name) => [name, { type: 'string' }]),
	),
});
for (const name of names) {
	options[name] = Number(values[name] ?? options[name]);
	if (!(options[name] >= 0)) throw new Error(`--${name} must be a number; got ${values[name]}`);
}
const workerd = workerdVersions.find((version) => version === (values['workerd'] ?? 'current'));
if (!workerd) {
	throw new Error(`--workerd must be ${workerdVersions.join(' or ')}; got ${values['workerd']}`);
}
const over = values['over'] ?? 'workerd';
if (!['workerd', 'session-objects', 'redis', 'redis-failover'].includes(over)) {
	throw new Error(`--over must be workerd, session-objects, redis or redis-failover; got ${over}`);
}
console.log(
	`--over ${over}`,
	names.map((name) => `--${name} ${options[name]}`).join(' '),
	`--workerd ${workerd}`,
);
const startMs = performance.now();
const onProgress = (line: string): void => {
	const seconds = ((performance.now() - startMs) / 1_000).toFixed(0);
	console.error(`${seconds.padStart(5)} s  ${line}`);
};
const result =
	over === 'workerd' || over === 'session-objects'
		? await soak(
				{ ...options, workerd, soaked: over === 'workerd' ? 'streams' : 'published changes' },
				onProgress,
			)
		: await soakRedis({ ...options, failover: over === 'redis-failover' }, onProgress);
console.log(formatReport(result));
// A failover may let a message arrive twice whose response it lost.
const repeated = over === 'redis-failover' ? 0 : result.total.repeated;
process.exitCode = isSound({ ...result.total, repeated }) ? 0 : 1;
