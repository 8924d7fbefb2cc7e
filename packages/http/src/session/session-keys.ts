import { parseSecrets } from '@tmcp-sessions/core/internal';

import { configurationError } from '../configuration-error.ts';
import { isLoopback } from '../request/loopback.ts';

/** The keys that session ids are signed with. */
export interface SessionKeys {
	/** The first key signs, all verify. */
	readonly secrets: readonly string[];
	/** Whether they were generated here: another process does not have them. */
	readonly isOfThisProcess: boolean;
}

const VARIABLE = 'TMCP_SESSION_KEYS';
const GENERATE = `openssl rand -base64 32 | npx wrangler secret put ${VARIABLE}`;

/**
 * Returns the keys of a deployment: those of its options, or those of its environment, or a key that
 * is generated for this process and is valid on its own machine only.
 */
export function sessionKeys(
	given: readonly (string | undefined)[] | undefined,
	env: unknown,
): SessionKeys {
	for (const texts of [given ?? [], [variable(env)]]) {
		const secrets = parseSecrets(texts);
		if (secrets.length > 0) return { secrets, isOfThisProcess: false };
	}
	const secret = `${crypto.randomUUID()}${crypto.randomUUID()}`;
	return { secrets: [secret], isOfThisProcess: true };
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
			`session ids need a key that all isolates share: set ${VARIABLE} or sessionKeys; ` +
				`got neither. Generate one with: ${GENERATE}`,
		);
	}
	if (hasWarned) return;
	hasWarned = true;
	console.error(
		`[tmcp-sessions/http] ${VARIABLE} is not set: sessions end with this process. ` +
			`Before a deployment: ${GENERATE}`,
	);
}

function variable(env: unknown): string | undefined {
	const { process } = globalThis as { process?: { env?: Record<string, unknown> } };
	for (const variables of [env, process?.env]) {
		const value: unknown = Reflect.get(Object(variables) as object, VARIABLE);
		if (typeof value === 'string') return value;
	}
	return undefined;
}
