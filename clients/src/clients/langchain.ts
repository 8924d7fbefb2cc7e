import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { installedFromNpm, kinds } from '../client-adapter.ts';
import type { ClientAdapter } from '../client-adapter.ts';
import { listWithSdk } from '../sdk-listing.ts';

/** The MCP adapters of LangChain, with tools called as LangChain tools. */
export const langchain: ClientAdapter = {
	package: '@langchain/mcp-adapters',
	era: 'session-based',
	lists: kinds,
	lacks: {
		elicitation: 'The client does not declare the capability.',
		DELETE: 'The client closes its streams and leaves the session to expire.',
	},
	prepare: () => installedFromNpm('@langchain/mcp-adapters'),
	async connect(url, { headers = {}, onNotification = () => undefined } = {}) {
		let reportProgress: (progress: number) => void = () => undefined;
		const client = new MultiServerMCPClient({
			mcpServers: { server: { transport: 'http', url: url.href, headers: { ...headers } } },
			onProgress: ({ progress }) => reportProgress(progress),
			onToolsListChanged: () => onNotification('notifications/tools/list_changed'),
			onResourcesUpdated: () => onNotification('notifications/resources/updated'),
		});
		await client.initializeConnections();
		const connection = await client.getClient('server');
		if (!connection) throw new Error('LangChain did not connect');
		return {
			async list(kinds) {
				const rest = await listWithSdk(
					connection,
					kinds.filter((kind) => kind !== 'tools'),
				);
				const tools = (await client.getTools()).map(({ name }) => name);
				return { ...(kinds.includes('tools') && { tools }), ...rest };
			},
			async call(name, args, { signal, onProgress = () => undefined } = {}) {
				reportProgress = onProgress;
				const tool = (await client.getTools()).find((tool) => tool.name === name);
				if (!tool) throw new Error(`LangChain has no tool ${name}`);
				const result: unknown = await tool.invoke({ ...args }, { ...(signal && { signal }) });
				return typeof result === 'string' ? result : JSON.stringify(result);
			},
			async subscribe(uri) {
				await connection.subscribeResource({ uri });
			},
			end: () => client.close(),
		};
	},
};
