import { checkSecrets, parseSecrets } from '@tmcp-sessions/core/internal';

import type { Authorization } from './options.ts';

/**
 * Returns an `authorize` that requires a password, in constant time: as the password of HTTP Basic
 * authentication, which browsers ask for, with any user name; or as a bearer token.
 *
 * @param password of at least 128 random bits. Several, separated by spaces or commas, are accepted during a
 * rotation. Read it from a secret.
 * @throws {TmcpSessionsError} `configuration`, if it is not set or weak.
 */
export function requirePassword(
	password: string | undefined,
): (request: Request) => Promise<Authorization> {
	const passwords = parseSecrets([password]);
	checkSecrets(passwords, 'http', 'requirePassword needs passwords');
	return async (request) => {
		const given = passwordOf(request.headers.get('authorization') ?? '');
		if (given === undefined) return false;
		const digest = await digestOf(given);
		let isEqual = false;
		// Compares with all: the time tells nothing about which one is right.
		for (const each of passwords) isEqual = isSame(digest, await digestOf(each)) || isEqual;
		return isEqual;
	};
}

function passwordOf(authorization: string): string | undefined {
	const [, scheme = '', credentials = ''] = /^(basic|bearer) +(\S+)$/i.exec(authorization) ?? [];
	if (scheme.toLowerCase() === 'bearer') return credentials;
	if (scheme === '') return undefined;
	try {
		const text = atob(credentials);
		return text.slice(text.indexOf(':') + 1);
	} catch {
		return undefined; // Not base64.
	}
}

async function digestOf(text: string): Promise<Uint8Array> {
	return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

/** Compares digests of one length in constant time. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
	let difference = a.length ^ b.length;
	for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] ?? 0);
	return difference === 0;
}
