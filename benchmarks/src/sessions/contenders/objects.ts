import { McpServer as OfficialServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { HttpTransport } from '@tmcp/transport-http';
import { DurableObject } from 'cloudflare:workers';
import { SessionObject } from '@tmcp-sessions/session-object';
import type { SessionServer } from '@tmcp-sessions/session-object';
import { McpAgent } from 'agents/mcp';
import { z } from 'zod';

import { createServer } from '../../contenders/server.ts';

export { BareObject } from '../../contenders/bare-object.ts';

/** The whole server in the session's object. */
export class MeasuredSession extends SessionObject {
	createServer(): SessionServer {
		return createServer();
	}
}

/** tmcp as it is in a session's object, its managers in memory: what it takes without this package. */
export class BareTransport extends DurableObject {
	#transport: HttpTransport | undefined;

	override async fetch(request: Request): Promise<Response> {
		const getSessionId = (): string => this.ctx.id.toString();
		this.#transport ??= new HttpTransport(createServer(), { path: '/mcp', getSessionId });
		return (await this.#transport.respond(request)) ?? new Response(null, { status: 404 });
	}
}

/** The same tool behind the agents SDK. */
export class MeasuredAgent extends McpAgent {
	server = new OfficialServer({ name: 'benchmark', version: '1.0.0' });

	async init(): Promise<void> {
		this.server.registerTool(
			'add',
			{ description: 'Adds two numbers', inputSchema: { a: z.number(), b: z.number() } },
			({ a, b }) => ({ content: [{ type: 'text', text: String(a + b) }] }),
		);
	}
}

export default { fetch: (): Response => new Response('Not found', { status: 404 }) };
