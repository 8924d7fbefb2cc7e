import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import { hasSessionInboxes } from '@tmcp-sessions/core/internal';
import type { StreamSessionManager } from '@tmcp/session-manager';
import type { McpServer } from 'tmcp';

import { noClientResponse } from './in-flight-call.ts';
import { InFlightCalls } from './in-flight-calls.ts';
import type { InFlightCallsDeps } from './in-flight-calls.ts';
import type { ClientResponse } from '../request/json-rpc.ts';

/** What the registry of one transport's calls is created from. */
export interface InFlightCallsOptions extends Pick<
	InFlightCallsDeps,
	'clientResponseTimeoutMs' | 'onPrimed' | 'resumable'
> {
	readonly streams: StreamSessionManager;
	readonly report: (error: unknown) => void;
}

/** Creates the registry of a server's in-flight calls, for one transport. */
export function createInFlightCalls(
	server: Pick<McpServer, 'receive'>,
	{ streams, report, ...options }: InFlightCallsOptions,
): InFlightCalls {
	// A manager without inboxes connects no isolates: client responses find the calls of their own.
	const inboxes = hasSessionInboxes(streams) ? streams : new InMemoryStreamSessionManager();
	const deliverResponse = async (response: ClientResponse): Promise<void> => {
		try {
			// Safe because the server throws for an invalid response.
			await server.receive(response as unknown as Parameters<typeof server.receive>[0]);
		} catch {
			await server.receive(noClientResponse(response.id, 'The client sent an invalid response'));
		}
	};
	return new InFlightCalls({
		...options,
		inboxes,
		deliverResponse: (response) => {
			deliverResponse(response).catch(report);
		},
	});
}
