import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import type { ResumableStreams } from '@tmcp-sessions/core/backend';
import { hasSessionInboxes } from '@tmcp-sessions/core/internal';
import type { StreamSessionManager } from '@tmcp/session-manager';
import type { McpServer } from 'tmcp';

import { InFlightCalls, noClientResponse } from './in-flight-calls.ts';
import type { HandlerSeams } from '../endpoint/handler-seams.ts';
import type { Answer } from '../request/json-rpc.ts';

/**
 * The calls that a server is at, for one transport.
 *
 * @param resumable keeps what calls say, where their clients can come back for it.
 * @param clientResponseTimeoutMs how long a question waits for its answer.
 */
export function createInFlightCalls(
	server: Pick<McpServer, 'receive'>,
	streams: StreamSessionManager,
	resumable: ResumableStreams | undefined,
	clientResponseTimeoutMs: number,
	report: (error: unknown) => void,
	onPrimed?: HandlerSeams['onPrimed'],
): InFlightCalls {
	// Without a way between isolates, answers find the calls of their own.
	const inboxes = hasSessionInboxes(streams) ? streams : new InMemoryStreamSessionManager();
	const takeAnswer = async (answer: Answer): Promise<void> => {
		try {
			// Sound: whatever is no answer is thrown back.
			await server.receive(answer as unknown as Parameters<typeof server.receive>[0]);
		} catch {
			await server.receive(noClientResponse(answer.id, 'The client sent what is no answer'));
		}
	};
	return new InFlightCalls(
		inboxes,
		resumable,
		clientResponseTimeoutMs,
		(answer) => void takeAnswer(answer).catch(report),
		onPrimed,
	);
}
