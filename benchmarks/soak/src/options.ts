import { parseArgs } from 'node:util';
import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { SoakOptions } from './soak.ts';

export const usage = `Usage: npm run soak -- [options]
  --minutes N   the time over which messages are published and faults are injected (1)
  --streams N   open streams, each of a separate session (100)
  --messages N  published messages, at least (1200)
  --faults N    faults of each kind (10)
  --shards N    objects over which the sessions are distributed (1)
  --seed N      the seed of everything random (a new one)
  --workerd V   ${workerdVersions.join(' or ')} (current)`;

/** Parses the arguments of the command. Throws an Error that names an invalid one. */
export function readOptions(args: readonly string[]): SoakOptions | 'help' {
	const { values } = parseArgs({
		args: [...args],
		options: {
			minutes: { type: 'string', default: '1' },
			streams: { type: 'string', default: '100' },
			messages: { type: 'string', default: '1200' },
			faults: { type: 'string', default: '10' },
			shards: { type: 'string', default: '1' },
			seed: { type: 'string', default: `${Math.floor(Math.random() * 2 ** 31)}` },
			workerd: { type: 'string', default: 'current' },
			help: { type: 'boolean', default: false },
		},
	});
	if (values.help) return 'help';
	const workerd = workerdVersions.find((version) => version === values.workerd);
	if (!workerd) {
		throw new Error(`--workerd must be ${workerdVersions.join(' or ')}; got ${values.workerd}`);
	}
	const minutes = Number(values.minutes);
	if (!(minutes > 0)) throw new Error(`--minutes must be above 0; got ${values.minutes}`);
	const integer = (name: 'streams' | 'messages' | 'faults' | 'shards' | 'seed', least: number) => {
		const value = Number(values[name]);
		if (Number.isSafeInteger(value) && value >= least) return value;
		throw new Error(`--${name} must be an integer from ${least}; got ${values[name]}`);
	};
	return {
		minutes,
		streams: integer('streams', 1),
		messages: integer('messages', 1),
		faults: integer('faults', 0),
		shards: integer('shards', 1),
		seed: integer('seed', 0),
		workerd,
	};
}
