import { env } from 'cloudflare:workers';
import { constantAnswer, openedSession } from './constant-answer.ts';

const record = JSON.stringify({ clientInfo: { name: 'benchmark', version: '1.0.0' } });

/** The limit of whatever reads one record of a session. */
export default {
	async fetch(request: Request): Promise<Response> {
		const session = request.headers.get('mcp-session-id');
		if (session !== null) {
			const stored = await env.TMCP_SESSION_INFO.get(session);
			return stored === record ? constantAnswer() : new Response(null, { status: 404 });
		}
		const opened = crypto.randomUUID();
		await env.TMCP_SESSION_INFO.put(opened, record);
		return openedSession(opened);
	},
};
