import type { RoutedCall, RunCall } from '../calls/routed-call.ts';
import { answerInScope } from '../endpoint/answer-in-scope.ts';
import { incomingCall } from '../endpoint/routed-request.ts';
import { accepted } from '../response/answer.ts';
import { rejectionAnswer } from '../response/rejection-answer.ts';
import type { AnyServer, SseCallRunnerOptions } from './legacy-sse.ts';
import type { SseHandlerOptions } from './options.ts';
import { receiveMessage } from './receive-message.ts';
import type { OwnSessions } from './session-host.ts';
import { createSseBackend } from './sse-backend.ts';

type RunnerOptions = Pick<SseHandlerOptions, 'endpoint' | 'path'> & SseCallRunnerOptions;

/**
 * Creates a function that answers what a Worker sends to the object of a session: a message (POST), or
 * that the stream has ended (DELETE).
 *
 * @throws {TmcpSessionsError} `configuration` for invalid options.
 */
export function createSseCallRunner(server: AnyServer, options: RunnerOptions): RunCall {
	const { calls, createSessions, report } = createSseBackend(server, options);
	let host: OwnSessions<Record<string, unknown> | undefined> | undefined;
	return async (call: RoutedCall, platform) => {
		host ??= createSessions();
		const sessions = host;
		try {
			const origin = incomingCall(call, platform, report);
			const session = { id: call.sessionId, internalId: call.sessionId };
			const received = call.method === 'POST' ? receiveMessage(JSON.parse(call.body)) : undefined;
			const details = { session, ...received };
			return await answerInScope(calls, origin, details, async (context) => {
				if (received) return sessions.accept(context, received.message);
				await sessions.end(context);
				return accepted();
			});
		} catch (error) {
			return rejectionAnswer(error, report);
		}
	};
}
