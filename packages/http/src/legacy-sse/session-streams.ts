import type { StreamSessionManager } from '@tmcp/session-manager';

import { currentContext } from '../request/request-context.ts';
import type { RequestContext } from '../request/request-context.ts';
import { withOverrides } from '../backend/with-overrides.ts';

/**
 * Returns the stream manager for the transport.
 *
 * - `send` keeps the order of one message's frames: a backend may let a later call overtake an earlier
 *   one, and a response that overtakes its progress ends the request. Its failures are reported, since
 *   the transport awaits none.
 * - `has` returns what the transport expects: a GET finds no stream, and a message finds the one that
 *   was checked before the message was accepted.
 */
export function sessionStreams(streams: StreamSessionManager): StreamSessionManager {
	const lastSends = new WeakMap<RequestContext, Promise<void>>();
	return withOverrides(streams, {
		has: () => currentContext()?.isListening === false,
		send: (sessions, frame) => {
			const context = currentContext();
			// Sent by a cron job or another transport: the tracked server keeps it alive.
			if (!context) return streams.send(sessions, frame);
			const last = lastSends.get(context) ?? Promise.resolve();
			const sending = last
				.then(() => streams.send(sessions, frame))
				.catch((error: unknown) => context.report(error));
			lastSends.set(context, sending);
			return sending;
		},
	});
}
