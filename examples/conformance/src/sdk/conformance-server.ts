import { createRequestStateCodec, McpServer } from '@modelcontextprotocol/server';
import { env } from 'cloudflare:workers';
import { addDiagnosticTools, addServerRequestTools } from './call-tools.ts';
import { addContentTools } from './content-tools.ts';
import { addInputRequiredFixtures } from './input-required-fixtures.ts';
import { addPrompts } from './prompts.ts';
import { addResources } from './resources.ts';

/** The states of both isolates are signed with one key. */
interface Variables {
	readonly TMCP_SESSION_KEYS: string;
}

/**
 * Creates a server of the official SDK with every tool, resource and prompt that the official scenarios
 * call by name.
 */
export function createConformanceServer(): McpServer {
	// Safe because the deployment has the variable.
	const { TMCP_SESSION_KEYS: key } = env as unknown as Variables;
	const codec = createRequestStateCodec<string>({ key });
	const server = new McpServer(
		{ name: 'conformance', version: '1.0.0' },
		{
			capabilities: {
				tools: { listChanged: true },
				resources: { listChanged: true, subscribe: true },
				prompts: { listChanged: true },
				logging: {},
				completions: {},
			},
			requestState: { verify: (state, context) => codec.verify(state, context) },
		},
	);
	addContentTools(server);
	addServerRequestTools(server);
	addInputRequiredFixtures(server, (state) => codec.mint(state));
	addDiagnosticTools(server);
	addResources(server);
	addPrompts(server);
	return server;
}
