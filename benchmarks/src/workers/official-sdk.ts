// Handlers of servers of the official SDK. Each creates a server for each request.
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { createMcpHandler as createHandlerOfAgents } from 'agents/mcp/server';
import type { StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createSdkHandler } from '@tmcp-sessions/sdk';
import type { SdkHandler } from '@tmcp-sessions/sdk';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import * as z from 'zod';

/** Our managers and our handler around the SDK. */
export function createHandler(createInfo: () => StoredInfoSessionManager): SdkHandler {
	return createSdkHandler(createSdkServer, {
		streams: new DurableObjectStreamSessionManager(),
		subscriptions: new DurableObjectSubscriptionManager(),
		info: createInfo(),
	});
}

/** `createMcpHandler` of agents, without sessions. */
export function agentsHandler(): { fetch: ReturnType<typeof createHandlerOfAgents> } {
	return { fetch: createHandlerOfAgents(createSdkServer) };
}

/** `createMcpHandler` of the official SDK, without sessions. */
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
