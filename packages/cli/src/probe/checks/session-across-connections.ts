import { describeReply, readReply } from '../connection/call.ts';
import { sessionRequest } from '../connection/requests.ts';
import { UNKNOWN_ELSEWHERE, failed, passed } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { withSession } from '../eras.ts';
import type { Target } from '../target.ts';

/** Enough that some of them reach another isolate or process, if there are several. */
const CONNECTIONS = 12;

/** Uses the session on other connections than the one that opened it. */
export async function checkSessionAcrossConnections(target: Target): Promise<Finding> {
	return withSession(target, async (session) => {
		const pings = Array.from({ length: CONNECTIONS }, (_, index) =>
			readReply(target.connection, {
				...sessionRequest(session, { method: 'ping', id: 100 + index }),
				isApart: true,
			}),
		);
		const replies = await Promise.all(pings);
		const refused = replies.filter(({ response }) => !response || !('result' in response));
		const [first] = refused;
		if (!first) return passed(`${CONNECTIONS} other connections could use the session`);
		return failed(
			`${refused.length} of ${CONNECTIONS} other connections could not use the session: ` +
				`ping was answered with ${describeReply(first)}`,
			UNKNOWN_ELSEWHERE,
		);
	});
}
