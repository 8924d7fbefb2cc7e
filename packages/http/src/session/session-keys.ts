import { checkSecrets, parseSecrets } from '@tmcp-sessions/core/internal';

import { configurationError } from '../configuration-error.ts';
import { isWorkers } from '../platform.ts';
import { isLoopback } from '../request/loopback.ts';

/** The keys that session ids are signed with. */
export interface SessionKeys {
	/** The first key signs, all verify. */
	readonly secrets: readonly string[];
	/** Whether they were generated here: another process does not have them. */
	readonly isOfThisProcess: boolean;
}

const VARIABLE = 'TMCP_SESSION_KEYS';
const MAKE_ONE = 'openssl rand -base64 32';

/**
 * Returns the keys of a deployment: those of its options, or those of its environment, or a key that
 * is generated for this process and is valid on its own machine only.
 *
 * @throws {TmcpSessionsError} `configuration` if a key is weak.
 */
export function sessionKeys(given: readonly string[] | undefined, env: unknown): SessionKeys {
	const own = parseSecrets(given ?? []);
	if (own.length > 0) return checkedKeys('the option sessionKeys', own);
	const variables = parseSecrets([variable(env)]);
	if (variables.length > 0) return checkedKeys(VARIABLE, variables);
	secretOfProcess ??= `${crypto.randomUUID()}${crypto.randomUUID()}`;
	return { secrets: [secretOfProcess], isOfThisProcess: true };
}

/** Shared by all handlers: one that is created in each request has the same key, too. */
let secretOfProcess: string | undefined;

function checkedKeys(source: string, secrets: readonly string[]): SessionKeys {
	checkSecrets(secrets, 'http', `${source} needs keys`);
	return { secrets, isOfThisProcess: false };
}

/**
 * Returns the secrets of a deployment for what its clients carry.
 *
 * @throws {TmcpSessionsError} `configuration` if the host of a request needs keys that are missing.
 */
export function secretsOf(
	keys: SessionKeys | undefined,
	request: Request | undefined,
): readonly string[] {
	if (keys?.isOfThisProcess && request) checkKeysOfProcess(new URL(request.url));
	return keys?.secrets ?? [];
}

let hasWarned = false;

/**
 * Allows a generated key if the server is called by a name of this machine, as in development.
 *
 * @throws {TmcpSessionsError} `configuration` if it is called by any other name.
 */
export function checkKeysOfProcess({ hostname }: URL): void {
	if (!isLoopback(hostname)) {
		throw configurationError(
			'session ids need a key that all isolates share; got none. ' +
				(isWorkers()
					? `Make one with: ${MAKE_ONE} | npx wrangler secret put ${VARIABLE}`
					: `Set the environment variable ${VARIABLE} to the output of: ${MAKE_ONE}`),
		);
	}
	if (hasWarned) return;
	hasWarned = true;
	const assignment = `"${VARIABLE}=$(${MAKE_ONE})"`;
	console.warn(
		`[tmcp-sessions/http] ${VARIABLE} is not set, so that sessions end when the server restarts. ` +
			`To keep them: ${isWorkers() ? `echo ${assignment} >> .dev.vars` : `export ${assignment}`}`,
	);
}

/** @throws {TmcpSessionsError} `configuration` if the variable is not a text, such as a Secrets Store binding. */
function variable(env: unknown): string | undefined {
	const { process } = globalThis as { process?: { env?: Record<string, unknown> } };
	for (const variables of [env, process?.env]) {
		const value: unknown = Reflect.get(Object(variables) as object, VARIABLE);
		if (typeof value === 'string') return value;
		if (value !== undefined) {
			throw configurationError(
				`${VARIABLE} must be a text; got ${typeof value}. Set it with wrangler secret put, or pass ` +
					'its value as the option sessionKeys',
			);
		}
	}
	return undefined;
}
