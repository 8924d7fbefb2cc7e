import { McpServer } from 'tmcp';
import { resource, tool } from 'tmcp/utils';

const DOOR = 'door://front';

/** A server with a bell: its tools know who calls, and who subscribed to the door is told of it. */
export function createDoorServer(): McpServer {
	const server = new McpServer(
		{ name: 'door', version: '1.0.0' },
		{
			adapter: undefined, // no tool has a schema
			capabilities: { tools: {}, resources: { subscribe: true } },
		},
	);

	server.tool({ name: 'whoami', description: 'Says who calls, and through which client' }, () => {
		const { auth } = server.ctx;
		return tool.text(`${String(auth?.extra?.['userName'])} through ${auth?.clientId}`);
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
