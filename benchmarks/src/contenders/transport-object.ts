import { HttpTransport } from '@tmcp/transport-http';
import { DurableObject } from 'cloudflare:workers';
import { createServer } from './server.ts';

/** tmcp as it is in a session's object, with its managers in memory: what it takes without this family. */
export class TransportObject extends DurableObject {
	#transport: HttpTransport | undefined;

	override async fetch(request: Request): Promise<Response> {
		const getSessionId = (): string => this.ctx.id.toString();
		this.#transport ??= new HttpTransport(createServer(), { path: '/mcp', getSessionId });
		return (await this.#transport.respond(request)) ?? new Response(null, { status: 404 });
	}
}
