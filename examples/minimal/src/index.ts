import { createMcpHandler } from '@tmcp-sessions/http';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import * as v from 'valibot';
export { SyncLayer } from '@tmcp-sessions/streams-durable-object';

const server = new McpServer(
	{ name: 'greeter', version: '1.0.0' },
	{ adapter: new ValibotJsonSchemaAdapter(), capabilities: { tools: {} } },
);
server.tool(
	{ name: 'greet', description: 'Greets a person', schema: v.object({ name: v.string() }) },
	({ name }) => ({ content: [{ type: 'text', text: `Hello, ${name}!` }] }),
);

export default createMcpHandler(server, {
	streams: new DurableObjectStreamSessionManager(),
	subscriptions: new DurableObjectSubscriptionManager(),
	info: new KVInfoSessionManager(),
});
