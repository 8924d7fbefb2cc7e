import { runInScope } from '@tmcp-sessions/core/internal';
import type { RequestContext } from '../request/request-context.ts';
import type { SseSeams } from './sse-seams.ts';

import { enterMessage } from './enter-message.ts';
import type { SessionHost } from './session-host.ts';

/**
 * Answers a request that a Worker has sent on: all that can be checked without the session is.
 *
 * @throws {HttpRejection} 404, where the stream of the session has ended.
 */
export async function answerSent(
	request: Request,
	work: RequestContext,
	host: SessionHost,
	sent: NonNullable<SseSeams['sent']>,
): Promise<Response> {
	const { sessionId, principal, auth } = sent(request);
	Object.assign(work, { sessionId, principal, auth });
	const text = request.method === 'POST' ? await request.text() : undefined;
	return runInScope(work, async () => {
		if (text !== undefined) return host.take(request, work, enterMessage(work, JSON.parse(text)));
		await host.end(request, work);
		return new Response(null, { status: 202 });
	});
}
