import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import type { HttpTransport } from '@tmcp/transport-http';
import { McpServer } from 'tmcp';
import { resource, tool } from 'tmcp/utils';
import * as v from 'valibot';
import { changingUri } from '../client/mcp.ts';

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
	const schema = v.object({ a: v.number(), b: v.number() });
	server.tool({ name: 'add', description: 'Adds two numbers', schema }, ({ a, b }) =>
		tool.text(String(a + b)),
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

/** A Worker with nothing around the transport. */
export interface TransportWorker {
	fetch(request: Request): Promise<Response>;
}

/** Creates the transport at the first request, since some managers do I/O in their constructor. */
export function transportWorker(createTransport: () => HttpTransport): TransportWorker {
	let transport: HttpTransport | undefined;
	return {
		async fetch(request) {
			transport ??= createTransport();
			return (await transport.respond(request)) ?? new Response('Not found', { status: 404 });
		},
	};
}
