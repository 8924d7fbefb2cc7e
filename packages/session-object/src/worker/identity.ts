import { TmcpSessionsError } from '@tmcp-sessions/core';

import { toHex } from '../hex.ts';
import { PACKAGE } from '../package-name.ts';

/** Identifies who shares an object. */
export interface Identity {
	/** The client, such as the token's `client_id`. Two clients of one workspace have two objects. */
	readonly clientId: string;
	/** The user, team or account that the client acts for. */
	readonly workspaceId: string;
}

const MAX_LENGTH = 1_024;

/**
 * Returns the name of an identity's object: `v1:` and a SHA-256 digest in hexadecimal. The name never
 * changes, since another encoding would orphan every existing object.
 */
export async function objectName(identity: Identity): Promise<string> {
	checkIdentity(identity);
	// As JSON, because concatenation could map two different pairs to the same text.
	const canonical = JSON.stringify([
		'tmcp-sessions session-object v1',
		identity.workspaceId,
		identity.clientId,
	]);
	const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(canonical));
	return `v1:${toHex(new Uint8Array(digest))}`;
}

/**
 * Checks an identity. Lone surrogates are invalid because UTF-8 encodes all of them as the same bytes:
 * two identities would share an object.
 *
 * @throws {TmcpSessionsError} `configuration`, if the identity is invalid.
 */
export function checkIdentity({ clientId, workspaceId }: Identity): void {
	for (const [name, value] of Object.entries({ clientId, workspaceId })) {
		const isText = typeof value === 'string' && value.length > 0 && value.length <= MAX_LENGTH;
		if (isText && value.isWellFormed()) continue;
		throw new TmcpSessionsError(
			'configuration',
			PACKAGE,
			`identify must return a ${name} of 1 to ${MAX_LENGTH} well-formed Unicode characters; got ` +
				(typeof value === 'string' ? `${value.length} characters` : typeof value),
		);
	}
}
