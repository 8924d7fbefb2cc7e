import { createMCPClient, ElicitationRequestSchema } from '@ai-sdk/mcp';
import { accepted, clientInfo, installedFromNpm, kinds, textOf } from '../client-adapter.ts';
import type { ClientAdapter, Kind } from '../client-adapter.ts';

const lacks: ClientAdapter['lacks'] = {
	progress: 'The client does not handle notifications.',
	resume: 'The client does not resume the stream of a call.',
	notifications: 'The client does not handle notifications.',
};

/** The AI SDK, which probes for the stateless era and finds it here. */
export const aiSdkStateless: ClientAdapter = adapterOf('stateless', {
	...lacks,
	DELETE: 'The stateless era has no sessions.',
});

/** The AI SDK without its probe. */
export const aiSdk: ClientAdapter = adapterOf('session-based', {
	...lacks,
	cancel: 'The client disconnects without `notifications/cancelled`, which is no cancellation.',
});

function adapterOf(era: ClientAdapter['era'], lacks: ClientAdapter['lacks']): ClientAdapter {
	return {
		package: '@ai-sdk/mcp',
		variant: era,
		era,
		lists: kinds,
		lacks,
		prepare: () => installedFromNpm('@ai-sdk/mcp'),
		async connect(url, { headers = {} } = {}) {
			const client = await createMCPClient({
				transport: { type: 'http', url: url.href, headers: { ...headers } },
				protocolVersionDiscovery: era === 'stateless',
				clientName: clientInfo.name,
				version: clientInfo.version,
				capabilities: { elicitation: {} },
			});
			client.onElicitationRequest(ElicitationRequestSchema, () => accepted);
			const listers: Record<Kind, () => Promise<string[]>> = {
				tools: async () => (await client.listTools()).tools.map(({ name }) => name),
				resources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
				templates: async () =>
					(await client.listResourceTemplates()).resourceTemplates.map(
						({ uriTemplate }) => uriTemplate,
					),
				prompts: async () => (await client.listPrompts()).prompts.map(({ name }) => name),
			};
			return {
				async list(kinds) {
					const entries = kinds.map(async (kind) => [kind, await listers[kind]()] as const);
					return Object.fromEntries(await Promise.all(entries));
				},
				call: async (name, args, { signal } = {}) =>
					textOf(
						await client.callTool({
							name,
							arguments: args,
							...(signal && { options: { signal } }),
						}),
					),
				end: () => client.close(),
			};
		},
	};
}
