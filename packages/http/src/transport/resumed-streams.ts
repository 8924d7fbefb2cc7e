import { closeStream, isCallStream, parseEventId } from '@tmcp-sessions/core/backend';
import type { StreamSessionManager } from '@tmcp/session-manager';

import { RESUMED } from '../calls/in-flight-call.ts';
import type { InFlightCalls } from '../calls/in-flight-calls.ts';
import { currentContext } from '../request/request-context.ts';
import { flushDeferred } from './one-broadcast.ts';
import { withOverrides } from './with-overrides.ts';

/** How long the last frames of a call that has just ended may be on their way. */
const IN_TRANSIT_MS = 5_000;

/**
 * Returns the stream manager for the transport. It tells the isolate of a call when the client has
 * resumed the stream. If no isolate has the call, the stream ends after the frames that are stored,
 * since its client would wait for ever. Sends to sessions flush the deferred sends to subscriptions.
 */
export function endResumedCalls(
	streams: StreamSessionManager,
	calls: InFlightCalls,
): StreamSessionManager {
	const create: StreamSessionManager['create'] = async (session, controller) => {
		const context = currentContext();
		await streams.create(session, controller);
		const stream = parseEventId(context?.lastEventId ?? '')?.stream;
		if (!context || stream === undefined || !isCallStream(stream)) return;
		if ((await calls.deliver(session, { method: RESUMED, params: { stream } })) > 0) return;
		const end = setTimeout(() => {
			closeStream(controller);
			// The manager holds the stream until it is deleted, as it is when a client disconnects.
			context.waitUntil((async () => streams.delete(session))());
		}, IN_TRANSIT_MS);
		context.progress.onClientLeft(() => clearTimeout(end));
	};
	const send: StreamSessionManager['send'] = (sessions, data) => {
		flushDeferred();
		return streams.send(sessions, data);
	};
	return withOverrides(streams, { create, send });
}
