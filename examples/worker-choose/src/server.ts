import { McpServer } from 'tmcp';
import { resource, tool } from 'tmcp/utils';

const DOOR = 'door://front';

/** Creates a server whose tools return the session metadata and notify the subscribers of a resource. */
export function createServer(): McpServer {
	const server = new McpServer(
		{ name: 'door', version: '1.0.0' },
		{
			adapter: undefined, // no tool has a schema
			capabilities: { tools: {}, resources: { subscribe: true }, logging: {} },
		},
	);

	server.tool({ name: 'who', description: 'Returns the client name and the log level' }, () => {
		const { clientInfo, logLevel = 'none' } = server.ctx.sessionInfo ?? {};
		return tool.text(`${clientInfo?.name ?? 'anonymous'}, log level ${logLevel}`);
	});

	server.tool({ name: 'ring', description: 'Notifies the subscribers of the door' }, () => {
		server.changed('resource', DOOR);
		return tool.text('rang');
	});

	server.resource({ name: 'door', description: 'The front door', uri: DOOR }, (uri) =>
		resource.text(uri, 'closed'),
	);
	return server;
}
