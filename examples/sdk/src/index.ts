import { McpServer } from '@modelcontextprotocol/server';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import { createSdkHandler } from '@tmcp-sessions/sdk';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import * as z from 'zod';
export { SyncLayer } from '@tmcp-sessions/streams-durable-object';

const GREETINGS = 'greetings://latest';

function createServer(): McpServer {
	const server = new McpServer(
		{ name: 'greeter', version: '1.0.0' },
		{ capabilities: { resources: { subscribe: true } } },
	);
	server.registerTool(
		'greet',
		{ description: 'Greets a person', inputSchema: z.object({ name: z.string() }) },
		async ({ name }) => {
			await server.server.sendResourceUpdated({ uri: GREETINGS });
			return { content: [{ type: 'text', text: `Hello, ${name}!` }] };
		},
	);
	server.registerTool('confirm', { description: 'Asks the user' }, async ({ mcpReq }) => {
		const { action } = await mcpReq.elicitInput({
			message: 'Are you sure?',
			requestedSchema: { type: 'object', properties: {} },
		});
		return { content: [{ type: 'text', text: action }] };
	});
	server.registerResource('latest', GREETINGS, {}, ({ href }) => ({
		contents: [{ uri: href, text: 'Hello!' }],
	}));
	return server;
}

export default createSdkHandler(createServer, {
	streams: new DurableObjectStreamSessionManager(),
	subscriptions: new DurableObjectSubscriptionManager(),
	info: new KVInfoSessionManager(),
});
