import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { complete, prompt, resource, tool } from 'tmcp/utils';
import * as v from 'valibot';

export const URL_OF_MCP = 'https://example.com/mcp';
export const TOKEN = 'secret-token-of-alice';
const KEY = 'a-key-of-the-tests-32-characters-long-and-more';
const CLIENT = { name: 'fuzz', version: '1.0.0' };

/** Creates a server that implements every method; its tools also elicit and throw. */
function createServer(): McpServer<v.GenericSchema> {
	const server: McpServer<v.GenericSchema> = new McpServer(
		{ name: 'fuzzed', version: '1.0.0' },
		{
			adapter: new ValibotJsonSchemaAdapter(),
			capabilities: {
				tools: { listChanged: true },
				prompts: { listChanged: true },
				resources: { listChanged: true, subscribe: true },
				completions: {},
				logging: {},
			},
			pagination: { tools: { size: 2 }, prompts: { size: 1 }, resources: { size: 1 } },
		},
	);
	const text = v.object({ text: v.string() });
	server.tool({ name: 'echo', description: 'Returns its argument', schema: text }, (args) =>
		tool.text(args.text),
	);
	server.tool({ name: 'throw', description: 'Throws' }, () => {
		throw new Error('the tool broke');
	});
	server.tool(
		{ name: 'elicit', description: 'Elicits a confirmation', replayable: true },
		async () => {
			const { action } = await server.elicitation('Sure?', v.object({ sure: v.boolean() }));
			return tool.text(action);
		},
	);
	server.tool(
		{ name: 'notify', description: 'Logs, reports progress and announces changes' },
		() => {
			server.log('info', 'notified');
			server.progress(1, 2, 'half');
			server.changed('tools');
			server.changed('resource', 'test://a');
			return tool.text('notified');
		},
	);
	server.resource({ name: 'a', description: 'A resource', uri: 'test://a' }, (uri) =>
		resource.text(uri, 'a'),
	);
	server.template(
		{
			name: 'template',
			description: 'A template',
			uri: 'test://of/{name}',
			complete: { name: (value) => complete.values([`${value}1`]) },
		},
		(uri, { name }) => resource.text(uri, String(name)),
	);
	server.prompt(
		{
			name: 'greet',
			description: 'Greets',
			schema: text,
			complete: { text: (value) => complete.values([`${value}1`]) },
		},
		(args) => prompt.message(args.text),
	);
	return server;
}

/** An endpoint that binds sessions to principals, and the errors that it has reported. */
export interface FuzzedEndpoint {
	readonly mcp: McpHandler;
	readonly errors: Error[];
}

/** Creates an endpoint; server requests time out after 10 ms and keep-alives come every 20 ms. */
export function createFuzzedEndpoint(): FuzzedEndpoint {
	const errors: Error[] = [];
	const onError = (error: Error): void => void errors.push(error);
	const mcp = createMcpHandler(createServer(), {
		info: new StoredInfoSessionManager(new InMemorySessionStore(), { onError }),
		streams: new InMemoryStreamSessionManager(),
		sessionKeys: [KEY],
		principal: ({ headers }) =>
			headers.get('authorization') === `Bearer ${TOKEN}` ? 'alice' : null,
		cors: true,
		clientResponseTimeoutSeconds: 0.01,
		keepAliveSeconds: 0.02,
		onError,
	});
	return { mcp, errors };
}

/** Opens a session and returns its id. */
export async function openSession({ mcp }: FuzzedEndpoint): Promise<string> {
	const capabilities = { elicitation: {}, sampling: {}, roots: {} };
	const params = { protocolVersion: '2025-06-18', capabilities, clientInfo: CLIENT };
	const response = await mcp.fetch(
		new Request(URL_OF_MCP, {
			method: 'POST',
			headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
			body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }),
		}),
	);
	const session = response.headers.get('mcp-session-id');
	if (session === null) throw new Error(`expected a session; found ${await response.text()}`);
	await response.text();
	return session;
}
