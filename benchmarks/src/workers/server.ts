import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { resource, tool } from 'tmcp/utils';
import * as v from 'valibot';
import { changingUri } from '../client/mcp-requests.ts';

/** Creates the server that every contender serves. Its tools do almost nothing, so the rest is measured. */
export function createServer(): McpServer<v.GenericSchema> {
	const server: McpServer<v.GenericSchema> = new McpServer(
		{ name: 'benchmark', version: '1.0.0', description: 'The benchmarked server' },
		{
			adapter: new ValibotJsonSchemaAdapter(),
			capabilities: {
				tools: { listChanged: true },
				resources: { subscribe: true, listChanged: true },
				logging: {},
			},
		},
	);
	server.tool(
		{
			name: 'add',
			description: 'Adds two numbers',
			schema: v.object({ a: v.number(), b: v.number() }),
		},
		({ a, b }) => tool.text(String(a + b)),
	);
	server.tool({ name: 'update_resource', description: 'Notifies its subscribers' }, () => {
		server.changed('resource', changingUri);
		return tool.text('updated');
	});
	server.tool({ name: 'change_list', description: 'Notifies every session' }, () => {
		server.changed('tools');
		return tool.text('changed');
	});
	server.resource({ name: 'changing', description: 'Changes', uri: changingUri }, (uri) =>
		resource.text(uri, 'text', 'text/plain'),
	);
	return server;
}
