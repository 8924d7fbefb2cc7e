import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { accepted, clientInfo, installedFromNpm, kinds, textOf } from '../client-adapter.ts';
import type { ClientAdapter, ConnectedClient, ConnectOptions } from '../client-adapter.ts';
import { listWithSdk } from '../sdk-listing.ts';

/** The official TypeScript SDK 1.x. */
export const sdk1: ClientAdapter = {
	package: '@modelcontextprotocol/sdk',
	era: 'session-based',
	lists: kinds,
	lacks: {},
	prepare: () => installedFromNpm('@modelcontextprotocol/sdk'),
	async connect(url, options = {}) {
		const { headers = {} } = options;
		const client = createClient(options);
		const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers } });
		await client.connect(transport);
		return {
			...actionsOf(client),
			async end() {
				await transport.terminateSession();
				await client.close();
			},
		};
	},
};

/** Creates a client that accepts elicitations. */
export function createClient({ onNotification = () => undefined }: ConnectOptions): Client {
	const client = new Client(clientInfo, { capabilities: { elicitation: {} } });
	client.fallbackNotificationHandler = async ({ method }) => onNotification(method);
	client.setRequestHandler(ElicitRequestSchema, () => accepted);
	return client;
}

/** Returns what a connected client does in the same way over every transport. */
export function actionsOf(client: Client): Omit<ConnectedClient, 'end'> {
	return {
		list: (kinds) => listWithSdk(client, kinds),
		call: async (name, args, { signal, onProgress } = {}) =>
			textOf(
				await client.callTool({ name, arguments: args }, undefined, {
					...(signal && { signal }),
					...(onProgress && { onprogress: ({ progress }) => onProgress(progress) }),
				}),
			),
		async subscribe(uri) {
			await client.subscribeResource({ uri });
		},
	};
}
