import { skipped } from './finding.ts';
import type { Finding } from './finding.ts';
import type { ProbeRequest } from './connection/connection.ts';
import { sessionRequest, statelessRequest } from './connection/requests.ts';
import type { Call, OpenedSession } from './connection/requests.ts';
import { isServed } from './target.ts';
import type { Era, SessionEra, Target } from './target.ts';

/** A session with an id. */
export interface IdentifiedSession extends OpenedSession {
	readonly id: string;
}

/** Runs a check that needs the session-based era. */
export async function withSessionEra(
	{ sessionBased }: Target,
	check: (era: SessionEra) => Promise<Finding>,
): Promise<Finding> {
	if (isServed(sessionBased)) return check(sessionBased);
	return skipped('the server opens no sessions');
}

/** Runs a check that needs a session id. */
export async function withSession(
	target: Target,
	check: (session: IdentifiedSession, era: SessionEra) => Promise<Finding>,
): Promise<Finding> {
	return withSessionEra(target, async (era) => {
		const { id, protocolVersion } = era.session;
		if (id === undefined) return skipped('the server gives no session ids');
		return check({ id, protocolVersion }, era);
	});
}

/** Runs a check that needs the stateless era. */
export async function withStatelessEra(
	{ stateless }: Target,
	check: (era: Era) => Promise<Finding>,
): Promise<Finding> {
	if (isServed(stateless)) return check(stateless);
	return skipped('the server does not serve 2026-07-28');
}

/** Returns what creates an ordinary request, in the session if there is one. */
export function requestsOf({ sessionBased }: Target): (call: Call) => ProbeRequest {
	if (!isServed(sessionBased)) return (call) => statelessRequest(call);
	const { session } = sessionBased;
	return (call) => sessionRequest(session, call);
}
