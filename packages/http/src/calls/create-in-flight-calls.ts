import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import { hasInboxes } from '@tmcp-sessions/core/backend';
import type { ResumableStreams } from '@tmcp-sessions/core/backend';
import type { StreamSessionManager } from '@tmcp/session-manager';
import type { McpServer } from 'tmcp';

import { CallsAtWork, noAnswer } from './in-flight-calls.ts';
import type { HandlerSeams } from '../endpoint/handler-seams.ts';
import type { Answer } from '../request/json-rpc.ts';

/**
 * The calls that a server is at, for one transport.
 *
 * @param resumable keeps what calls say, where their clients can come back for it.
 * @param answerMs how long a question waits for its answer.
 */
export function callsOfServer(
	server: Pick<McpServer, 'receive'>,
	streams: StreamSessionManager,
	resumable: ResumableStreams | undefined,
	answerMs: number,
	report: (error: unknown) => void,
	onPrimed?: HandlerSeams['onPrimed'],
): CallsAtWork {
	// Without a way between isolates, answers find the calls of their own.
	const inboxes = hasInboxes(streams) ? streams : new InMemoryStreamSessionManager();
	const takeAnswer = async (answer: Answer): Promise<void> => {
		try {
			// Sound: whatever is no answer is thrown back.
			await server.receive(answer as unknown as Parameters<typeof server.receive>[0]);
		} catch {
			await server.receive(noAnswer(answer.id, 'The client sent what is no answer'));
		}
	};
	return new CallsAtWork(
		inboxes,
		resumable,
		answerMs,
		(answer) => void takeAnswer(answer).catch(report),
		onPrimed,
	);
}
