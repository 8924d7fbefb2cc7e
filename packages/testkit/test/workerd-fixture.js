// Plain JavaScript: the types of workerd and of Node.js conflict in one TypeScript project.
import { DurableObject } from 'cloudflare:workers';

/** Identifies its instance, and holds hibernatable sockets. */
export class SyncLayer extends DurableObject {
	instance = crypto.randomUUID();

	async fetch(request) {
		if (new URL(request.url).pathname === '/socket') {
			const { 0: client, 1: server } = new WebSocketPair();
			this.ctx.acceptWebSocket(server);
			return new Response(null, { status: 101, webSocket: client });
		}
		const sockets = this.ctx.getWebSockets();
		for (const socket of sockets) socket.send(this.instance);
		await this.ctx.storage.put('instance', this.instance);
		return Response.json({ instance: this.instance, sockets: sockets.length });
	}
}

/** Identifies the isolate. */
let isolate;

export default {
	async fetch(request, env) {
		const { pathname } = new URL(request.url);
		if (pathname.startsWith('/object/') || pathname === '/socket') {
			return env.TMCP_DURABLE_OBJECT.getByName('one').fetch(request);
		}
		if (request.method === 'PUT') await env.TMCP_SESSION_INFO.put(pathname, await request.text());
		isolate ??= crypto.randomUUID();
		console.log('answered', pathname);
		return Response.json({
			isolate,
			greeting: env.GREETING,
			stored: await env.TMCP_SESSION_INFO.get(pathname),
		});
	},
};
