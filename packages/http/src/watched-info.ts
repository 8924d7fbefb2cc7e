import { StoreError } from '@tmcp-sessions/core';
import type { InfoSessionManager } from '@tmcp/session-manager';

import { overridden } from './overridden.ts';
import { currentWork } from './tracked-server.ts';

/**
 * The info manager as the transport gets to see it: itself, but that a store which is down is noted.
 * The transport takes a getter that rejects for a session without info, and would call the tool.
 */
export function watchedInfo(info: InfoSessionManager): InfoSessionManager {
	return overridden(info, {
		getClientCapabilities: (id) => info.getClientCapabilities(id).catch(noteFailure),
		getClientInfo: (id) => info.getClientInfo(id).catch(noteFailure),
		getLogLevel: (id) => info.getLogLevel(id).catch(noteFailure),
	});
}

/** The transport takes a rejection for what it is given here, and each one costs. */
function noteFailure(error: unknown): undefined {
	const work = currentWork();
	if (work && error instanceof StoreError) work.failure = error;
	return undefined;
}
