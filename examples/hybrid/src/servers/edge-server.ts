import { McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';

import { CAPABILITIES, SERVER_INFO } from '../sessions.ts';

const text = z.object({ text: z.string() });

/** Creates the server of the edge: tools that need no state. */
export function createEdgeServer(): McpServer {
	const server = new McpServer(SERVER_INFO, { capabilities: CAPABILITIES });
	server.registerTool(
		'count_words',
		{ description: 'Counts the words of a text', inputSchema: text },
		({ text }) => ({
			content: [{ type: 'text', text: String(text.split(/\s+/u).filter(Boolean).length) }],
		}),
	);
	return server;
}
