import { describeReply } from '../connection/call.ts';
import { failed, passed, warned } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { SECTIONS } from '../specification.ts';
import { isServed } from '../target.ts';
import type { Target } from '../target.ts';

/** Checks that a client of 2025-11-25 or before can open a session. */
export async function checkSessionHandshake({ sessionBased, stateless }: Target): Promise<Finding> {
	if (!isServed(sessionBased)) {
		const message = `initialize was answered with ${describeReply(sessionBased)}`;
		const cause = 'clients of 2025-11-25 and before cannot connect';
		if (isServed(stateless)) {
			return warned(message, { cause, fix: 'ignore this if all your clients know 2026-07-28' });
		}
		return failed(message, {
			cause,
			fix: 'the log of the server has the reason',
			specification: SECTIONS.lifecycle,
		});
	}
	const { serverName, session } = sessionBased;
	if (session.id !== undefined) {
		return passed(`${serverName} opened a session with ${session.protocolVersion}`);
	}
	return warned(`${serverName} answered with ${session.protocolVersion} and gave no session id`, {
		cause:
			'the server is stateless: it forgets client info, log level and resource subscriptions after ' +
			'each request, and cannot ask the client anything outside of a call',
		fix: 'ignore this if no tool needs a session; otherwise let the server open sessions',
		specification: SECTIONS.sessions,
	});
}
