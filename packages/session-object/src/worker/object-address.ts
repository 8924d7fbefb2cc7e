import { fromBase64Url, toBase64Url } from '@tmcp-sessions/core/internal';
import type { SessionIds } from '@tmcp-sessions/core/internal';
import type { SessionIdIssuer } from '@tmcp-sessions/http/internal';

import { fromHex, toHex } from '../hex.ts';

/**
 * The id of a session that has an object of its own: one of `createSessionIds` and, behind it, the
 * object's, which the MAC covers. So an object needs no name, and the platform need not ask the whole
 * world whether somebody has made it already.
 *
 * @param newObject the id of an object that nobody has, 64 hexadecimal characters.
 */
export function objectAddresses(ids: SessionIds, newObject: () => string): SessionIdIssuer {
	return {
		async open(principal) {
			const object = newObject();
			return `${await ids.mint(boundTo(principal, object))}.${toBase64Url(fromHex(object))}`;
		},
		async verify(id, principal) {
			const object = objectOf(id);
			if (object === undefined) return false;
			return ids.verify(id.slice(0, id.lastIndexOf('.')), boundTo(principal, object));
		},
	};
}

/** The id of the object that a session's id leads to, where it may be one. */
export function objectOf(id: string): string | undefined {
	const text = id.slice(id.lastIndexOf('.') + 1);
	if (!/^[\w-]{43}$/.test(text)) return undefined;
	const bytes = fromBase64Url(text);
	// The last character carries bits that no byte has: one object has one spelling.
	if (toBase64Url(bytes) !== text) return undefined;
	return toHex(bytes);
}

function boundTo(principal: string, object: string): string {
	return JSON.stringify([principal, object]);
}
