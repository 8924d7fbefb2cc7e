import { streamRequest } from '../connection/requests.ts';
import type { OpenedSession } from '../connection/requests.ts';
import { failed, passed, skipped } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { withSessionEra } from '../eras.ts';
import { openStream } from '../open-stream.ts';
import type { OpenedStream } from '../open-stream.ts';
import { promisesOf } from '../promised-changes.ts';
import { SECTIONS } from '../specification.ts';
import type { Target } from '../target.ts';

/** Opens a stream with GET, waits whether it stays open, and opens it again after a lost connection. */
export async function checkSessionStream(target: Target): Promise<Finding> {
	return withSessionEra(target, async ({ capabilities, session }) => {
		const { connection, expectations } = target;
		const opened = await openStream(connection, streamRequest(session));
		if (!('stream' in opened)) return refusedStream(opened, promisesOf(capabilities));
		const openMs = await opened.stream.stayOpen(expectations.streamMs);
		if (opened.stream.hasEnded) {
			return failed(`the stream of a GET ended after ${Math.round(openMs)} ms`, {
				cause:
					'messages of the server find no stream. On Workers, the runtime ends a stream whose request ' +
					'has no pending timer, RPC or socket',
				fix: 'keep the stream open, with a keep-alive every 15 seconds',
				specification: SECTIONS.streams,
			});
		}
		opened.stream.close();
		const again = await reopen(target, session);
		if ('stream' in again) {
			again.stream.close();
			return passed(
				`a stream stayed open for ${expectations.streamMs / 1_000} s and could be reopened`,
			);
		}
		return failed(`a client that lost its stream cannot open it again: ${again.message}`, {
			cause:
				'the server still holds the lost stream. Official clients give up after a few attempts',
			fix: 'serve the new stream at once, and end the old one',
			specification: SECTIONS.streams,
		});
	});
}

/** The time in which a server can notice that a connection was closed. */
const NOTICE_MS = 1_000;

/** Opens the stream again, twice at most. */
async function reopen({ connection }: Target, session: OpenedSession): Promise<OpenedStream> {
	const again = await openStream(connection, streamRequest(session));
	if ('stream' in again) return again;
	await new Promise((resolve) => setTimeout(resolve, NOTICE_MS));
	return openStream(connection, streamRequest(session));
}

function refusedStream(
	{ message, status }: { readonly message: string; readonly status: number },
	promises: readonly string[],
): Finding {
	if (status !== 405) {
		return failed(`a stream was refused with ${message}`, {
			cause: 'a GET of a session must open a stream, or be answered with 405',
			fix: 'the log of the server has the reason',
			specification: SECTIONS.streams,
		});
	}
	if (promises.length === 0) return skipped('the server has no streams (405), and promises none');
	return failed(`the server declares ${promises.join(', ')}, but refuses every stream (405)`, {
		cause: 'clients wait for changes that never reach them, and show outdated lists',
		fix: 'open a stream for GET, or do not declare these capabilities',
		specification: SECTIONS.listChanges,
	});
}
