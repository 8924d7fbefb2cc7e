import { closeStream, isCallStream, parseEventId } from '@tmcp-sessions/core/backend';
import { hasResumableStreams } from '@tmcp-sessions/core/internal';
import type { StreamSessionManager } from '@tmcp/session-manager';

import type { InFlightCalls } from '../calls/in-flight-calls.ts';
import { flushDeferred } from './one-broadcast.ts';
import { withOverrides } from './with-overrides.ts';
import { currentContext } from './tracked-server.ts';

/** How long the rest of an answer may be on its way from a call that has just ended. */
const ON_ITS_WAY_MS = 5_000;

/**
 * The stream manager as the transport gets to see it: itself, but that a client which comes back for
 * a call is told to whoever works on it. Where nobody does, its stream ends with what there is: a
 * client that waits for ever would be worse off. What it sends takes along what listeners are told.
 */
export function endResumedCalls(
	streams: StreamSessionManager,
	calls: InFlightCalls,
): StreamSessionManager {
	const create: StreamSessionManager['create'] = async (session, controller) => {
		const work = currentContext();
		if (work) work.isPaced = hasResumableStreams(streams);
		await streams.create(session, controller);
		const resumed = parseEventId(work?.lastEventId ?? '')?.stream;
		if (!work || resumed === undefined || !isCallStream(resumed)) return;
		if ((await calls.resumed(session, resumed)) > 0) return;
		const end = setTimeout(() => {
			closeStream(controller);
			// As where its client leaves: nobody else lets go of what the manager holds for it.
			work.waitUntil((async () => streams.delete(session))());
		}, ON_ITS_WAY_MS);
		work.onClientLeft = () => clearTimeout(end);
	};
	const send: StreamSessionManager['send'] = (sessions, data) => {
		flushDeferred();
		return streams.send(sessions, data);
	};
	return withOverrides(streams, { create, send });
}
