import { describeReply, readReply } from '../connection/call.ts';
import { sessionRequest } from '../connection/requests.ts';
import { passed, warned } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { withSession } from '../eras.ts';
import { SECTIONS } from '../specification.ts';
import type { Target } from '../target.ts';

/** Sends a message without a session id to a server that gave one. */
export async function checkMissingSession(target: Target): Promise<Finding> {
	return withSession(target, async ({ protocolVersion }) => {
		const request = sessionRequest({ id: undefined, protocolVersion }, { method: 'ping', id: 21 });
		const reply = await readReply(target.connection, request);
		if (reply.status >= 400) return passed(`a message without a session id gets a ${reply.status}`);
		return warned(`a message without a session id was answered with ${describeReply(reply)}`, {
			cause: 'a client that loses its session id is served as another client, and never notices',
			fix: 'answer 400 to messages without a session id, except initialize',
			specification: SECTIONS.sessions,
		});
	});
}
