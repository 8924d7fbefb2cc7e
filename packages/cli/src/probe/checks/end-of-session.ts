import { describeReply, readReply } from '../connection/call.ts';
import { endRequest, sessionRequest, streamRequest } from '../connection/requests.ts';
import { failed, passed, warned } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { withSession } from '../eras.ts';
import { openStream } from '../open-stream.ts';
import { SECTIONS } from '../specification.ts';
import type { Target } from '../target.ts';

/** Ends the session of the probe, and uses it once more. */
export async function checkEndOfSession(target: Target): Promise<Finding> {
	return withSession(target, async (session) => {
		const { connection } = target;
		const ended = await readReply(connection, endRequest(session));
		if (ended.status === 405) {
			return warned('the server does not let clients end their session (405)', {
				cause: 'a session of a client that leaves stays until it expires',
				fix: 'answer DELETE, or let sessions expire soon',
				specification: SECTIONS.sessions,
			});
		}
		if (ended.status < 200 || ended.status > 299) {
			return failed(`the end of a session was answered with ${describeReply(ended)}`, {
				cause: 'a DELETE must end the session, or be answered with 405',
				fix: 'the log of the server has the reason',
				specification: SECTIONS.sessions,
			});
		}
		const message = sessionRequest(session, { method: 'ping', id: 70 });
		const posted = await readReply(connection, { ...message, isApart: true });
		if (posted.status !== 404) return stillServed(`a message got ${describeReply(posted)}`);
		const opened = await openStream(connection, streamRequest(session));
		if ('stream' in opened) {
			opened.stream.close();
			return stillServed('a stream was opened');
		}
		if (opened.status !== 404 && opened.status !== 405) {
			return stillServed(`a stream was refused with ${opened.message}`);
		}
		return passed('the session ended with DELETE, and is a 404 from then on');
	});
}

function stillServed(found: string): Finding {
	return failed(`after DELETE had ended the session, ${found} instead of 404`, {
		cause:
			'the server forgot the end or never checks it: a client with an old id never opens a new session',
		fix: 'answer 404 to the ids of ended sessions; with a store that is eventually consistent, within a minute',
		specification: SECTIONS.sessions,
	});
}
