import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { accepted, clientInfo, installedFromNpm, kinds, textOf } from '../client-adapter.ts';
import type { ClientAdapter } from '../client-adapter.ts';
import { listWithSdk } from '../sdk-listing.ts';

/** The official TypeScript SDK 2.x, which speaks the session-based era by default. */
export const sdk2: ClientAdapter = adapterOf('session-based', {});

/** The official TypeScript SDK 2.x, pinned to 2026-07-28. */
export const sdk2Stateless: ClientAdapter = adapterOf('stateless', {
	resume: 'A stateless call cannot be resumed: the client calls again.',
	DELETE: 'The stateless era has no sessions.',
});

function adapterOf(era: ClientAdapter['era'], lacks: ClientAdapter['lacks']): ClientAdapter {
	return {
		package: '@modelcontextprotocol/client',
		variant: era,
		era,
		lists: kinds,
		lacks,
		prepare: () => installedFromNpm('@modelcontextprotocol/client'),
		async connect(url, { headers = {}, onNotification = () => undefined } = {}) {
			const client = new Client(clientInfo, {
				capabilities: { elicitation: { form: {} } },
				...(era === 'stateless' && { versionNegotiation: { mode: { pin: '2026-07-28' } } }),
			});
			client.fallbackNotificationHandler = async ({ method }) => onNotification(method);
			client.setRequestHandler('elicitation/create', () => accepted);
			const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers } });
			await client.connect(transport);
			return {
				list: (kinds) => listWithSdk(client, kinds),
				call: async (name, args, { signal, onProgress } = {}) =>
					textOf(
						await client.callTool(
							{ name, arguments: args },
							{
								...(signal && { signal }),
								...(onProgress && { onprogress: ({ progress }) => onProgress(progress) }),
							},
						),
					),
				async subscribe(uri) {
					if (era === 'session-based') await client.subscribeResource({ uri });
					else await client.listen({ toolsListChanged: true, resourceSubscriptions: [uri] });
				},
				async end() {
					if (era === 'session-based') await transport.terminateSession();
					await client.close();
				},
			};
		},
	};
}
