import { createRuntime } from 'mcporter';
import { clientInfo, installedFromNpm, textOf } from '../client-adapter.ts';
import type { ClientAdapter } from '../client-adapter.ts';

const TIMEOUT_MS = 30_000;

/** The runtime of mcporter. */
export const mcporter: ClientAdapter = {
	package: 'mcporter',
	era: 'session-based',
	lists: ['tools', 'resources'],
	lacks: {
		cancel: 'The client takes no signal, and its timeout closes the connection.',
		progress: 'The client uses progress only to extend its timeout.',
		elicitation: 'The client does not declare the capability.',
		notifications: 'The client does not report notifications.',
		DELETE: 'The client closes its streams and leaves the session to expire.',
	},
	prepare: () => installedFromNpm('mcporter'),
	async connect(url, { headers = {} } = {}) {
		const server = 'server';
		const runtime = await createRuntime({
			servers: [{ name: server, command: { kind: 'http', url, headers: { ...headers } } }],
			clientInfo,
			logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
		});
		await runtime.connect(server);
		return {
			async list(kinds) {
				// Safe because mcporter returns the result of `resources/list` unchanged.
				const { resources } = (await runtime.listResources(server)) as {
					resources: { uri: string }[];
				};
				const tools = (await runtime.listTools(server)).map(({ name }) => name);
				return {
					...(kinds.includes('tools') && { tools }),
					...(kinds.includes('resources') && { resources: resources.map(({ uri }) => uri) }),
				};
			},
			async call(name, args) {
				const options = { args: { ...args }, timeoutMs: TIMEOUT_MS };
				const result = await runtime.callTool(server, name, options);
				// Safe because mcporter returns the result of `tools/call` unchanged.
				return textOf(result as object);
			},
			end: () => runtime.close(),
		};
	},
};
