import { TmcpSessionsError } from '@tmcp-sessions/core';
import { parseSecrets } from '@tmcp-sessions/core/internal';

import { isLoopback } from '../validation/origin-guard.ts';

/** What session ids are signed with. */
export interface SessionKeys {
	/** The first signs, all are accepted. */
	readonly secrets: readonly string[];
	/** Whether they were made here: another process does not know them. */
	readonly isOfThisProcess: boolean;
}

const VARIABLE = 'TMCP_SESSION_KEYS';
const MAKE_ONE = `openssl rand -base64 32 | npx wrangler secret put ${VARIABLE}`;

/**
 * The keys of a deployment: those that are given, or else those of its environment, or else keys of
 * this process, which are good on its own machine alone.
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

let wasSaid = false;

/**
 * Lets a server do without keys where it is called by a name of this machine, as in development.
 *
 * @throws {TmcpSessionsError} `configuration`, where it is called by any other name.
 */
export function checkKeysOfProcess({ hostname }: URL): void {
	if (!isLoopback(hostname)) {
		throw new TmcpSessionsError(
			'configuration',
			'http',
			`session ids need a key that all isolates share: expected the variable ${VARIABLE} or the ` +
				`option sessionKeys; got neither. Make one with: ${MAKE_ONE}`,
		);
	}
	if (wasSaid) return;
	wasSaid = true;
	console.error(
		`[tmcp-sessions/http] ${VARIABLE} is not set: sessions are known to this process alone, ` +
			`until it ends. Before a deployment: ${MAKE_ONE}`,
	);
}

function variable(env: unknown): string | undefined {
	const { process } = globalThis as { process?: { env?: Record<string, unknown> } };
	for (const variables of [env, process?.env]) {
		if (typeof variables !== 'object' || variables === null) continue;
		const value: unknown = Reflect.get(variables, VARIABLE);
		if (typeof value === 'string') return value;
	}
	return undefined;
}
