import { CliError } from '../command/cli-error.ts';

/** The names that `init` offers, each with what it means, in the order in which they are asked. */
export const RUNTIMES = {
	workers: 'Cloudflare Workers',
	node: 'Node.js',
	deno: 'Deno',
	bun: 'Bun',
} as const;

export const SESSIONS = {
	kv: 'in Workers KV: reads near the client',
	'durable-object': 'in Durable Objects: changes hold everywhere at once',
	sealed: 'in the session id: calls read no storage',
	'session-object': 'a Durable Object for each session, with the server and its state',
	redis: 'in Redis, for several processes',
	memory: 'in the memory of one process',
} as const;

export const LIBRARIES = {
	tmcp: 'tmcp',
	sdk: 'the official SDK, with session-object only',
} as const;

export const AUTHENTICATION = {
	none: 'none: anyone who knows the address can call the tools',
	bearer: 'bearer tokens from a secret',
} as const;

export type Runtime = keyof typeof RUNTIMES;
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

/** Returns the session managers that a runtime can have, the default first. */
export function sessionsOf(runtime: Runtime): readonly Sessions[] {
	return runtime === 'workers'
		? ['kv', 'durable-object', 'sealed', 'session-object']
		: ['memory', 'redis'];
}

/** @throws {CliError} if two choices do not go together. */
export function checkChoices(choices: Choices): void {
	const { authentication, hasTasks, library, name, runtime, sessions } = choices;
	if (!/^[a-z\d][a-z\d-]{0,62}$/.test(name)) {
		throw new CliError(
			`the name must be up to 63 small letters, digits and hyphens; got ${name || 'nothing'}. Set --name`,
		);
	}
	const possible = sessionsOf(runtime);
	if (!possible.includes(sessions)) {
		throw new CliError(
			`--sessions ${sessions} does not run on ${RUNTIMES[runtime]}: choose ${possible.join(', ')}`,
		);
	}
	if (library === 'sdk' && sessions !== 'session-object') {
		throw new CliError('--library sdk needs --sessions session-object');
	}
	if (sessions === 'session-object' && (hasTasks || authentication !== 'none')) {
		throw new CliError(
			'init writes no tasks and no authentication for session-object: its guide shows both ' +
				'(docs/session-object.md)',
		);
	}
	if (runtime !== 'workers' && authentication !== 'none') {
		throw new CliError(
			'init writes bearer tokens for workers only: docs/authentication.md shows the others',
		);
	}
}
