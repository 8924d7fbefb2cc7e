// Handlers without sessions: both create a server for each request.
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { createMcpHandler as createHandlerOfAgents } from 'agents/mcp/server';
import * as z from 'zod';

/** `createMcpHandler` of agents. */
export function agentsHandler(): { fetch: ReturnType<typeof createHandlerOfAgents> } {
	return { fetch: createHandlerOfAgents(createSdkServer) };
}

/** `createMcpHandler` of the official SDK. */
export function sdkHandler(): { fetch(request: Request): Promise<Response> } {
	const handler = createMcpHandler(createSdkServer);
	return { fetch: (request) => handler.fetch(request) };
}

/** Creates the tools of `server.ts` with the official SDK. */
function createSdkServer(): McpServer {
	const server = new McpServer({ name: 'benchmark', version: '1.0.0' });
	const inputSchema = z.object({ a: z.number(), b: z.number() });
	server.registerTool('add', { description: 'Adds two numbers', inputSchema }, ({ a, b }) => ({
		content: [{ type: 'text', text: String(a + b) }],
	}));
	return server;
}
