import type { Contender } from '../start-contenders.ts';

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

/** What opens sessions and answers calls of them. */
const ofSessions = [
	'bare-worker',
	'bare-worker-kv-read',
	'bare-worker-object',
	'bare-worker-object-row',
	'memory-bare',
	'memory-bare-object',
	'memory-http',
	'ours-memory-bare',
	'ours-memory',
	'ours-bare',
	'ours-http',
	'ours-object-bare',
	'ours-object',
	'ours-mixed-bare',
	'ours-mixed',
	'ours-cached-bare',
	'ours-cached',
	'ours-upstash-bare',
	'ours-upstash',
	'ours-sealed',
	'upstream',
	'mcp-agent',
	'agents-handler',
	'sdk-handler',
] as const satisfies Contender[];

/** A call of 2026-07-28 asks no store: one pair stands for all. */
const stateless = [
	'bare-worker',
	'memory-bare',
	'memory-http',
	'ours-bare',
	'ours-http',
	'upstream',
	'agents-handler',
	'sdk-handler',
] as const satisfies Contender[];

/** What a whole session is measured of. */
const ofWholeSessions = [
	'bare-worker',
	'bare-worker-object',
	'memory-bare',
	'memory-http',
	'ours-memory',
	'ours-bare',
	'ours-http',
	'ours-object-bare',
	'ours-object',
	'ours-mixed',
	'ours-cached',
	'ours-upstash',
	'ours-sealed',
	'upstream',
	'mcp-agent',
	'agents-handler',
	'sdk-handler',
] as const satisfies Contender[];

/** Everything that is measured, by name. */
export const works = {
	'call-1': { title: 'call', kind: 'call', connections: 1, contenders: ofSessions },
	'call-32': { title: 'call', kind: 'call', connections: 32, contenders: ofSessions },
	'stateless-1': {
		title: 'call, 2026-07-28',
		kind: 'stateless call',
		connections: 1,
		contenders: stateless,
	},
	'stateless-32': {
		title: 'call, 2026-07-28',
		kind: 'stateless call',
		connections: 32,
		contenders: stateless,
	},
	'initialize-32': {
		title: 'initialize',
		kind: 'initialize',
		connections: 32,
		contenders: ofWholeSessions,
	},
	'session-32': {
		title: 'session of ten calls',
		kind: 'session',
		connections: 32,
		contenders: ofWholeSessions,
	},
} as const satisfies Record<string, Work>;

/** The name of a kind of work. */
export type WorkName = keyof typeof works;

/** All of them, in the order in which they are measured. */
// Sound: the keys are those of the literal above.
export const workNames = Object.keys(works) as WorkName[];

/** Everybody who is measured at anything, the limits first. */
export const measuredContenders: readonly Contender[] = ofSessions;
