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
	'oauth-provider': 'an OAuth provider in the Worker, for clients that register themselves',
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

const DOCUMENTS = 'https://github.com/tmcp-sessions/tmcp-sessions/blob/main/docs';
const OF_PROCESSES: readonly Sessions[] = ['memory', 'redis'];

/** By runtime, the session managers that it can have, the default first. */
export const SESSIONS_OF: Readonly<Record<Runtime, readonly Sessions[]>> = {
	workers: ['kv', 'durable-object', 'sealed', 'session-object'],
	node: OF_PROCESSES,
	deno: OF_PROCESSES,
	bun: OF_PROCESSES,
	vercel: ['sealed', 'upstash'],
};

const FOR_ALL: readonly Authentication[] = ['none', 'bearer'];

/** By runtime, the authentication that `init` writes, the default first. */
export const AUTHENTICATION_OF: Readonly<Record<Runtime, readonly Authentication[]>> = {
	workers: [...FOR_ALL, 'oauth-provider'],
	node: FOR_ALL,
	deno: FOR_ALL,
	bun: FOR_ALL,
	vercel: FOR_ALL,
};

/** Returns why `init` writes no tasks for a server, and what to do instead; `undefined` if it writes them. */
export function whyNoTasks({
	library,
	runtime,
	sessions,
}: Pick<Choices, 'library' | 'runtime' | 'sessions'>): string | undefined {
	if (library === 'sdk' && sessions === 'session-object') {
		return (
			'sdkServer runs no tasks in a session object. Choose --library tmcp, or keep the sessions of this ' +
			'server elsewhere, such as --sessions durable-object'
		);
	}
	if (runtime !== 'vercel') return undefined;
	const database = sessions === 'upstash' ? '' : ', with --sessions upstash';
	return (
		'a function of Vercel ends with its request. Leave --tasks out, and have QStash run them as ' +
		`${DOCUMENTS}/tasks-qstash.md describes${database}`
	);
}

/** @throws {CliError} if two choices do not go together. */
export function checkChoices(choices: Choices): void {
	const { authentication, hasTasks, library, name, runtime, sessions } = choices;
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
	if (!AUTHENTICATION_OF[runtime].includes(authentication)) {
		throw new CliError(
			`--auth ${authentication} runs on Cloudflare Workers only, since @cloudflare/workers-oauth-provider ` +
				`stores its grants in Workers KV. On ${RUNTIMES[runtime]}, choose --auth bearer, and verify the ` +
				'tokens of your identity provider in src/principal.ts',
		);
	}
	const reason = hasTasks ? whyNoTasks(choices) : undefined;
	if (reason !== undefined) {
		throw new CliError(
			`init writes no tasks for --runtime ${runtime} --sessions ${sessions} --library ${library}: ${reason}`,
		);
	}
}
