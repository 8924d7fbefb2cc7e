import { fromBase64Url, toBase64Url } from '@tmcp-sessions/core/internal';
import type { SessionIds } from '@tmcp-sessions/core/internal';
import type { SessionIdIssuer } from '@tmcp-sessions/http/internal';

import { fromHex, toHex } from '../hex.ts';

/**
 * Creates session ids that contain the id of the session's object: an id of `createSessionIds`, a dot,
 * and the object's id, which the MAC covers. An object with a generated id is cheaper than one with a
 * name, for which the platform must check globally whether it exists.
 *
 * @param newObjectId returns the id of a new object, as 64 hexadecimal characters.
 */
export function createAddressedSessionIds(
	ids: SessionIds,
	newObjectId: () => string,
): SessionIdIssuer {
	return {
		async mint(principal = '') {
			const object = newObjectId();
			return `${await ids.mint(boundTo(principal, object))}.${toBase64Url(fromHex(object))}`;
		},
		async verify(id, principal = '') {
			const object = objectIdIn(id);
			if (object === undefined) return false;
			return ids.verify(id.slice(0, id.lastIndexOf('.')), boundTo(principal, object));
		},
		internalIdOf(id) {
			const end = id.lastIndexOf('.');
			return ids.internalIdOf(id.slice(0, end)) + id.slice(end);
		},
	};
}

/** Returns the object id in a session id or an internal id, or undefined if it is malformed. */
export function objectIdIn(sessionId: string): string | undefined {
	const text = sessionId.slice(sessionId.lastIndexOf('.') + 1);
	if (!/^[\w-]{43}$/.test(text)) return undefined;
	const bytes = fromBase64Url(text);
	// The last character has unused bits: reject all spellings of an id but the canonical one.
	if (toBase64Url(bytes) !== text) return undefined;
	return toHex(bytes);
}

function boundTo(principal: string, object: string): string {
	return JSON.stringify([principal, object]);
}
