import type { AuthInfo } from 'tmcp';

import { SessionStateError } from './errors.ts';

/** What the Worker has found out of a request that it sends to an object. */
export interface Forwarded {
	/** The session's id, new where it is opened; empty in the stateless era. */
	readonly session: string;
	/** Empty where sessions are nobody's. */
	readonly principal: string;
	readonly auth: AuthInfo | null;
	/** Whether the object is one session's, or an identity's. */
	readonly keptBy: 'identity' | 'session';
}

/** Set by the Worker on everything that it sends, so that no client's own gets through. */
export const FORWARDED_HEADER = 'tmcp-session-forwarded';

export function encodeForwarded(forwarded: Forwarded): string {
	return encodeURIComponent(JSON.stringify(forwarded));
}

/** @throws {SessionStateError} where the request comes from something else than `sessionRouter`. */
export function forwardedOf(headers: Headers): Forwarded {
	const text = headers.get(FORWARDED_HEADER);
	if (text !== null) {
		// Sound: whoever has the binding is this deployment's own Worker.
		return JSON.parse(decodeURIComponent(text)) as Forwarded;
	}
	throw new SessionStateError(
		'a SessionObject takes requests from sessionRouter alone; found one without what it adds. Send ' +
			'requests to the router and not to the object',
	);
}
