import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { WorkerdVersion } from '@tmcp-sessions/testkit/workerd';
import { parseArgs } from 'node:util';

/** How long and how hard a soak is. */
export interface SoakOptions {
	readonly minutes: number;
	readonly streams: number;
	/** How many messages are published, at least: they go on until all faults have happened. */
	readonly messages: number;
	/** How many faults of each kind. */
	readonly faults: number;
	/** How many objects the sessions are spread over. */
	readonly shards: number;
	readonly seed: number;
	readonly workerd: WorkerdVersion;
}

export const usage = `Usage: npm run soak -- [options]
  --minutes N   how long messages are published and faults are spread over (1)
  --streams N   how many streams are open, each of a session of its own (100)
  --messages N  how many messages are published, at least (1200)
  --faults N    how many faults there are of each kind (10)
  --shards N    how many objects the sessions are spread over (1)
  --seed N      of everything random (a new one)
  --workerd V   ${workerdVersions.join(' or ')} (current)`;

/** @throws {Error} which says what is wrong with them. */
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
	const workerd = workerdVersions.find((known) => known === values.workerd);
	if (!workerd) throw new Error(`--workerd is one of ${workerdVersions.join(', ')}`);
	const minutes = Number(values.minutes);
	if (!(minutes > 0)) throw new Error('--minutes is a number over 0');
	return {
		minutes,
		streams: wholeNumber('streams', values.streams, 1),
		messages: wholeNumber('messages', values.messages, 1),
		faults: wholeNumber('faults', values.faults, 0),
		shards: wholeNumber('shards', values.shards, 1),
		seed: wholeNumber('seed', values.seed, 0),
		workerd,
	};
}

function wholeNumber(name: string, text: string, least: number): number {
	const number = Number(text);
	if (Number.isSafeInteger(number) && number >= least) return number;
	throw new Error(`--${name} is a whole number from ${least}; found ${text}`);
}
