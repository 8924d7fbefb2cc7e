import { env } from 'cloudflare:workers';
import { constantAnswer, openedSession } from './constant-answer.ts';

/** The limit of whatever asks a session's own object once for each call. */
export default {
	async fetch(request: Request): Promise<Response> {
		const session = request.headers.get('mcp-session-id');
		if (session === null) return openedSession(crypto.randomUUID());
		const answer = await env.BARE_OBJECT.getByName(session).constant();
		return answer === 'constant' ? constantAnswer() : new Response(null, { status: 404 });
	},
};
