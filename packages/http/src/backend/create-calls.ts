import { hasResumableStreams } from '@tmcp-sessions/core/internal';

import { InFlightCalls } from '../calls/in-flight-calls.ts';
import type { ResponseReceiver } from '../calls/in-flight-calls.ts';
import type { ServerBackendDeps } from '../endpoint/server-backend.ts';

/** Creates the registry of the calls of a backend. */
export function createCalls(
	receiver: ResponseReceiver,
	{ streams, clientResponseTimeoutMs, onPrimed, report }: ServerBackendDeps,
): InFlightCalls {
	return new InFlightCalls(receiver, {
		streams,
		clientResponseTimeoutMs,
		onPrimed,
		report,
		resumable: hasResumableStreams(streams) ? streams : undefined,
	});
}
