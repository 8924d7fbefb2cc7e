import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { resource, tool } from 'tmcp/utils';
import * as v from 'valibot';
import { changingUri } from '../mcp-requests.ts';

/** The MCP server that every contender serves. Its tools do next to nothing: the rest is measured. */
export function createServer(): McpServer<v.GenericSchema> {
	const server: McpServer<v.GenericSchema> = new McpServer(
		{ name: 'benchmark', version: '1.0.0', description: 'Is measured' },
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
	server.tool({ name: 'update_resource', description: 'Tells its subscribers' }, () => {
		server.changed('resource', changingUri);
		return tool.text('updated');
	});
	server.tool({ name: 'change_list', description: 'Tells every session' }, () => {
		server.changed('tools');
		return tool.text('changed');
	});
	server.resource({ name: 'changing', description: 'Changes', uri: changingUri }, (uri) =>
		resource.text(uri, 'text', 'text/plain'),
	);
	return server;
}
