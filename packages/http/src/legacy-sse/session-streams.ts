import { hasResumableStreams } from '@tmcp-sessions/core/internal';
import { currentContext } from '../transport/tracked-server.ts';
import { withOverrides } from '../transport/with-overrides.ts';
import type { RequestContext } from '../request/request-context.ts';
import type { StreamSessionManager } from '@tmcp/session-manager';

/**
 * The stream manager as the transport gets to see it: itself, but that
 *
 * - what one message's work says goes out in order: a backend may let a later call overtake an
 *   earlier one, and an answer that overtakes its progress ends it;
 * - nothing it fails at is thrown, where nobody awaits it;
 * - `has` is what the transport wants to hear: no stream stands in the way of a GET, and the stream
 *   of a message was looked for before it was accepted.
 */
export function sessionStreams(streams: StreamSessionManager): StreamSessionManager {
	const lastOf = new WeakMap<RequestContext, Promise<void>>();
	return withOverrides(streams, {
		create: async (session, controller) => {
			const work = currentContext();
			if (work) work.isPaced = hasResumableStreams(streams);
			await streams.create(session, controller);
		},
		has: () => currentContext()?.isListening === false,
		send: (sessions, frame) => {
			const work = currentContext();
			// A cron job's, or that of another transport: the server's facade keeps it alive.
			if (!work) return streams.send(sessions, frame);
			const before = lastOf.get(work) ?? Promise.resolve();
			const sending = before
				.then(() => streams.send(sessions, frame))
				.catch((error: unknown) => work.report(error));
			lastOf.set(work, sending);
			return sending;
		},
	});
}
