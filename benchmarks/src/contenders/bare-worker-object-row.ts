import { env } from 'cloudflare:workers';
import { constantAnswer, openedSession } from './constant-answer.ts';

const record = JSON.stringify({ clientInfo: { name: 'benchmark', version: '1.0.0' } });

/** The limit of whatever reads one row of SQLite in a Durable Object for each call. */
export default {
	async fetch(request: Request): Promise<Response> {
		const object = env.BARE_OBJECT.getByName('bare');
		const session = request.headers.get('mcp-session-id');
		if (session !== null) {
			const stored = await object.read(session);
			return stored === record ? constantAnswer() : new Response(null, { status: 404 });
		}
		const opened = crypto.randomUUID();
		await object.keep(opened, record);
		return openedSession(opened);
	},
};
