import { McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';

/** The tools of `server.ts`, written for the official SDK. */
export function createSdkServer(): McpServer {
	const server = new McpServer({ name: 'benchmark', version: '1.0.0' });
	server.registerTool(
		'add',
		{
			description: 'Adds two numbers',
			inputSchema: z.object({ a: z.number(), b: z.number() }),
		},
		({ a, b }) => ({ content: [{ type: 'text', text: String(a + b) }] }),
	);
	return server;
}
