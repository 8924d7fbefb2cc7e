import { contendersIn } from '../contenders.ts';
import type { Contender } from '../contenders.ts';

/** One kind of work, and whose speed at it is measured. */
interface Work {
	/** As a table calls it. */
	readonly title: string;
	/** What is sent: see `jobs.ts`. */
	readonly kind: 'call' | 'stateless call' | 'initialize' | 'session';
	/** How many send at the same time, each with a session of its own. */
	readonly connections: number;
	/** The limits first. */
	readonly contenders: readonly Contender[];
}

/** Everything that is measured, by name. */
export const works = {
	'call-1': {
		title: 'call',
		kind: 'call',
		connections: 1,
		contenders: contendersIn('call'),
	},
	'call-32': {
		title: 'call',
		kind: 'call',
		connections: 32,
		contenders: contendersIn('call'),
	},
	'stateless-1': {
		title: 'call, 2026-07-28',
		kind: 'stateless call',
		connections: 1,
		contenders: contendersIn('stateless call'),
	},
	'stateless-32': {
		title: 'call, 2026-07-28',
		kind: 'stateless call',
		connections: 32,
		contenders: contendersIn('stateless call'),
	},
	'initialize-32': {
		title: 'initialize',
		kind: 'initialize',
		connections: 32,
		contenders: contendersIn('whole session'),
	},
	'session-32': {
		title: 'session of ten calls',
		kind: 'session',
		connections: 32,
		contenders: contendersIn('whole session'),
	},
} as const satisfies Record<string, Work>;

/** The name of a kind of work. */
export type WorkName = keyof typeof works;

/** All of them, in the order in which they are measured. */
// Sound: the keys are those of the literal above.
export const workNames = Object.keys(works) as WorkName[];

/** Everybody who is measured at anything, the limits first: all of them make calls. */
export const measuredContenders: readonly Contender[] = contendersIn('call');
