import { CliError } from '../command/cli-error.ts';

/** The names that `init` offers, each with what it means, in the order in which they are asked. */
export const RUNTIMES = {
	workers: 'Cloudflare Workers',
	node: 'Node.js',
	deno: 'Deno',
	bun: 'Bun',
	vercel: 'Vercel',
} as const;

export const SESSIONS = {
	kv: 'in Workers KV: reads near the client',
	'durable-object': 'in Durable Objects: changes hold everywhere at once',
	sealed: 'in the session id: calls read no storage',
	'session-object': 'a Durable Object for each session, with the server and its state',
	redis: 'in Redis, for several processes',
	upstash: 'in Upstash Redis, over HTTP',
	memory: 'in the memory of one process',
} as const;

export const LIBRARIES = {
	tmcp: 'tmcp',
	sdk: 'the official SDK',
} as const;

export const AUTHENTICATION = {
	none: 'none: anyone who knows the address can call the tools',
	bearer: 'bearer tokens from a secret',
} as const;

export type Runtime = keyof typeof RUNTIMES;
/** A runtime of processes that live on. */
export type ProcessRuntime = Exclude<Runtime, 'workers' | 'vercel'>;
export type Sessions = keyof typeof SESSIONS;
export type Library = keyof typeof LIBRARIES;
export type Authentication = keyof typeof AUTHENTICATION;

/** What a new project consists of. */
export interface Choices {
	/** The name of the server and of the package. */
	readonly name: string;
	readonly runtime: Runtime;
	readonly sessions: Sessions;
	readonly library: Library;
	readonly authentication: Authentication;
	readonly hasTasks: boolean;
}

const OF_PROCESSES: readonly Sessions[] = ['memory', 'redis'];

/** By runtime, the session managers that it can have, the default first. */
export const SESSIONS_OF: Readonly<Record<Runtime, readonly Sessions[]>> = {
	workers: ['kv', 'durable-object', 'sealed', 'session-object'],
	node: OF_PROCESSES,
	deno: OF_PROCESSES,
	bun: OF_PROCESSES,
	vercel: ['sealed', 'upstash'],
};

/** Whether `init` writes tasks for a server. */
export function canHaveTasks({
	library,
	runtime,
	sessions,
}: Pick<Choices, 'library' | 'runtime' | 'sessions'>): boolean {
	if (library === 'sdk' || sessions === 'session-object' || runtime === 'vercel') return false;
	// BullMQ does not run on Deno.
	return !(runtime === 'deno' && sessions === 'redis');
}

/** @throws {CliError} if two choices do not go together. */
export function checkChoices(choices: Choices): void {
	const { hasTasks, library, name, runtime, sessions } = choices;
	if (!/^[a-z\d][a-z\d-]{0,62}$/.test(name)) {
		throw new CliError(
			`the name must be up to 63 small letters, digits and hyphens; got ${name || 'nothing'}. Set --name`,
		);
	}
	const possible = SESSIONS_OF[runtime];
	if (!possible.includes(sessions)) {
		throw new CliError(
			`--sessions ${sessions} does not run on ${RUNTIMES[runtime]}: choose ${possible.join(', ')}`,
		);
	}
	if (hasTasks && !canHaveTasks(choices)) {
		throw new CliError(
			`init writes no tasks for --runtime ${runtime} --sessions ${sessions} --library ${library}: ` +
				'leave --tasks out, and add them by hand',
		);
	}
}
