import { McpServer as OfficialServer } from '@modelcontextprotocol/sdk/server/mcp.js';
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
