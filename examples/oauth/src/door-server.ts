import { McpServer } from 'tmcp';
import { resource, tool } from 'tmcp/utils';

const DOOR = 'door://front';

/** Creates a server whose tools read the caller and notify the subscribers of a resource. */
export function createDoorServer(): McpServer {
	const server = new McpServer(
		{ name: 'door', version: '1.0.0' },
		{
			adapter: undefined, // no tool has a schema
			capabilities: { tools: {}, resources: { subscribe: true } },
		},
	);

	server.tool(
		{ name: 'whoami', description: 'Returns the user and the client of the call' },
		() => {
			const { auth } = server.ctx;
			return tool.text(`${String(auth?.extra?.['userName'])} through ${auth?.clientId}`);
		},
	);

	server.tool({ name: 'ring', description: 'Notifies the subscribers of the door' }, () => {
		server.changed('resource', DOOR);
		return tool.text('rang');
	});

	server.resource({ name: 'door', description: 'The front door', uri: DOOR }, (uri) =>
		resource.text(uri, 'closed'),
	);
	return server;
}
