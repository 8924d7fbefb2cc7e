import { TmcpSessionsError } from '@tmcp-sessions/core';

import { toHex } from '../hex.ts';
import { PACKAGE } from '../package-name.ts';

/** Whose object it is. */
export interface Identity {
	/** The client that acts, such as the token's `client_id`: two of one workspace have two objects. */
	readonly clientId: string;
	/** What the client acts for: a user, a team, an account. */
	readonly workspaceId: string;
}

const MAX_LENGTH = 1_024;

/**
 * The name of an identity's object, for ever: `v1:` and the SHA-256 of what it is, in hex. Another
 * encoding would be another version, and leave every object of this one behind.
 */
export async function objectName(identity: Identity): Promise<string> {
	checkIdentity(identity);
	// JSON: no pair of texts can be written so that it passes for another pair.
	const canonical = JSON.stringify([
		'tmcp-sessions session-object v1',
		identity.workspaceId,
		identity.clientId,
	]);
	const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(canonical));
	return `v1:${toHex(new Uint8Array(digest))}`;
}

/**
 * Half of a surrogate pair has no bytes of its own: two such texts would be one.
 *
 * @throws {TmcpSessionsError} `configuration`, for what is no identity.
 */
export function checkIdentity({ clientId, workspaceId }: Identity): void {
	for (const [name, value] of Object.entries({ clientId, workspaceId })) {
		const isText = typeof value === 'string' && value.length > 0 && value.length <= MAX_LENGTH;
		if (isText && value.isWellFormed()) continue;
		throw new TmcpSessionsError(
			'configuration',
			PACKAGE,
			`identify must give a ${name} of 1 to ${MAX_LENGTH} characters of Unicode; found ` +
				(typeof value === 'string' ? `one of ${value.length}` : typeof value),
		);
	}
}
