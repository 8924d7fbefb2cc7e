import { McpServer } from 'tmcp';
import { resource, tool } from 'tmcp/utils';

const DOOR = 'door://front';

/** A server that shows what it knows of a session: who calls, at which log level, and who listens. */
export function createServer(): McpServer {
	const server = new McpServer(
		{ name: 'door', version: '1.0.0' },
		{
			adapter: undefined, // no tool has a schema
			capabilities: { tools: {}, resources: { subscribe: true }, logging: {} },
		},
	);

	server.tool({ name: 'who', description: 'Says who calls' }, () => {
		const { clientInfo, logLevel = 'none' } = server.ctx.sessionInfo ?? {};
		return tool.text(`${clientInfo?.name ?? 'nobody'}, log level ${logLevel}`);
	});

	server.tool({ name: 'ring', description: 'Tells everybody who listens at the door' }, () => {
		server.changed('resource', DOOR);
		return tool.text('rang');
	});

	server.resource({ name: 'door', description: 'The front door', uri: DOOR }, (uri) =>
		resource.text(uri, 'closed'),
	);
	return server;
}
