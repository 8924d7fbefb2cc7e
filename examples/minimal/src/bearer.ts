import { createMcpHandler } from '@tmcp-sessions/http';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { McpServer } from 'tmcp';
import { principal } from './principal.ts';
export { SyncLayer } from '@tmcp-sessions/streams-durable-object';

const server = new McpServer(
	{ name: 'greeter', version: '1.0.0' },
	{ adapter: undefined, capabilities: { tools: {} } },
);
server.tool({ name: 'greet', description: 'Greets the world' }, () => ({
	content: [{ type: 'text', text: 'Hello, world!' }],
}));

export default createMcpHandler(server, {
	streams: new DurableObjectStreamSessionManager(),
	subscriptions: new DurableObjectSubscriptionManager(),
	info: new KVInfoSessionManager(),
	principal,
});
