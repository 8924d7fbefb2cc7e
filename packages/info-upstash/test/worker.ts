import { UpstashInfoSessionManager } from '../src/index.ts';
import type { UpstashVariables } from '../src/index.ts';

let info: UpstashInfoSessionManager | undefined;

/** Opens a session at `POST /<id>`, reads it at `GET /<id>` and ends it at `DELETE /<id>`. */
const worker = {
	async fetch(request: Request, env: UpstashVariables): Promise<Response> {
		// All requests of the isolate share one manager.
		info ??= UpstashInfoSessionManager.fromEnv({ env });
		const id = new URL(request.url).pathname.slice(1);
		if (request.method === 'POST') {
			info.setClientInfo(id, { name: await request.text(), version: '1' });
			info.addSubscription(id, 'test://a');
			await info.flush(id);
		}
		if (request.method === 'DELETE') await info.delete(id);
		try {
			const clientInfo = await info.getClientInfo(id);
			const subscribers = await info.getSubscriptions('test://a');
			return Response.json({ clientInfo, subscribed: subscribers.includes(id) });
		} catch (error) {
			return new Response(String(error), { status: 503 });
		}
	},
};

export default worker;
