import { env } from 'cloudflare:workers';
import { constantAnswer, isCall, openedSession } from './constant-answer.ts';

/** The limit of whatever asks a Durable Object once for each call. */
export default {
	async fetch(request: Request): Promise<Response> {
		if (!isCall(request)) return openedSession(crypto.randomUUID());
		const answer = await env.BARE_OBJECT.getByName('bare').constant();
		return answer === 'constant' ? constantAnswer() : new Response(null, { status: 404 });
	},
};
