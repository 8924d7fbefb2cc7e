import { describeReply, readReply } from '../connection/call.ts';
import { sessionRequest } from '../connection/requests.ts';
import { failed, passed, warned } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { withSession } from '../eras.ts';
import { SECTIONS } from '../specification.ts';
import type { Target } from '../target.ts';

/** Sends session ids that the server never issued: a changed one, and one of the probe's own. */
export async function checkUnknownSession(target: Target): Promise<Finding> {
	return withSession(target, async ({ id, protocolVersion }) => {
		const ids = {
			'a forged session id': forged(id),
			'an invented session id': crypto.randomUUID(),
		};
		const statuses: string[] = [];
		for (const [what, unknown] of Object.entries(ids)) {
			const request = sessionRequest({ id: unknown, protocolVersion }, { method: 'ping', id: 20 });
			const reply = await readReply(target.connection, request);
			if (reply.response && 'result' in reply.response) {
				return failed(`a request with ${what} was answered with ${reply.status} and a result`, {
					cause:
						'the server takes any session id: a client whose session has ended never opens a new one, ' +
						'and a client can choose the session id of another one',
					fix: 'answer 404 to every session id that the server did not issue or has ended',
					specification: SECTIONS.sessions,
				});
			}
			if (reply.status !== 404) statuses.push(`${what} with ${describeReply(reply)}`);
		}
		if (statuses.length === 0) return passed('session ids that the server never issued get a 404');
		return warned(`the server refused ${statuses.join(' and ')}, and not with 404`, {
			cause: 'clients open a new session only after a 404',
			fix: 'answer 404 to unknown session ids',
			specification: SECTIONS.sessions,
		});
	});
}

/** Changes one character in the second half, so that the form of the id stays. */
function forged(id: string): string {
	const index = Math.floor(id.length * 0.75);
	const other = id[index] === 'a' ? 'b' : 'a';
	return id.slice(0, index) + other + id.slice(index + 1);
}
