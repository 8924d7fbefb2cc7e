import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler, McpHandlerOptions } from '@tmcp-sessions/http';
import type { StoredInfoSessionManager } from '@tmcp-sessions/core';
import { sessionState } from '@tmcp-sessions/state';
import type { SessionState, StateOptions } from '@tmcp-sessions/state';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import * as v from 'valibot';

const SCHEMAS = { draft: v.string(), count: v.number() };

/** The state that the tools of this server use. */
type TestState = SessionState<typeof SCHEMAS>;

/** A use of the state by a tool. Returns what the client gets, as JSON. */
type Use = (state: TestState) => Promise<unknown>;

/** A server whose tools use state, with its clients. */
export interface ToolServer {
	readonly state: TestState;
	/** Runs a function in a tool that a stateless client calls. Its user is the principal. */
	stateless(use: Use, user?: string): Promise<unknown>;
	/** Opens a session. */
	openSession(user?: string): Promise<Session>;
}

/** A session-based client. */
interface Session {
	/** The id of the session in storage. */
	readonly internalId: string;
	/** Runs a function in a tool that the client calls. */
	call(use: Use): Promise<unknown>;
	/** Ends the session. */
	end(): Promise<number>;
}

const KEYS = ['dGhlIGZpcnN0IGtleSBvZiB0aGlzIHRlc3QgMQ7fQ2x'];

/** Creates a server over an info manager. */
export function createToolServer(
	info: StoredInfoSessionManager,
	options: StateOptions = {},
	handlerOptions: McpHandlerOptions = {},
): ToolServer {
	const state = sessionState(info, SCHEMAS, options);
	const uses = new Map<string, Use>();
	const server = new McpServer(
		{ name: 'drafts', version: '1.0.0' },
		{ adapter: new ValibotJsonSchemaAdapter(), capabilities: { tools: {} } },
	);
	server.tool(
		{ name: 'use', description: 'Uses the state', schema: v.object({ use: v.string() }) },
		async ({ use }) => {
			const result = await uses
				.get(use)?.(state)
				.catch((error: Error) => ({
					error: error.message,
					name: error.name,
					code: Reflect.get(error, 'code') as string,
				}));
			return { content: [{ type: 'text', text: JSON.stringify(result ?? null) }] };
		},
	);
	const handler = createMcpHandler(server, {
		info,
		sessionKeys: KEYS,
		principal: (request) => request.headers.get('x-user') ?? 'ada',
		...handlerOptions,
	});
	let nextId = 1;
	const call = async (
		use: Use,
		headers: Record<string, string>,
		meta: object | undefined,
	): Promise<unknown> => {
		const name = String((nextId += 1));
		uses.set(name, use);
		const params = { name: 'use', arguments: { use: name }, ...(meta && { _meta: meta }) };
		const response = await post(handler, headers, { id: nextId, method: 'tools/call', params });
		return resultOf(await response.text());
	};
	return {
		state,
		stateless: (use, user = 'ada') =>
			call(
				use,
				{
					'x-user': user,
					'mcp-protocol-version': '2026-07-28',
					'mcp-method': 'tools/call',
					'mcp-name': 'use',
				},
				{
					'io.modelcontextprotocol/protocolVersion': '2026-07-28',
					'io.modelcontextprotocol/clientCapabilities': {},
					'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
				},
			),
		async openSession(user = 'ada') {
			const opened = await post(
				handler,
				{ 'x-user': user },
				{
					id: 0,
					method: 'initialize',
					params: {
						protocolVersion: '2025-11-25',
						capabilities: {},
						clientInfo: { name: 'test', version: '1.0.0' },
					},
				},
			);
			await opened.text();
			const id = opened.headers.get('mcp-session-id') ?? '';
			const headers = {
				'x-user': user,
				'mcp-session-id': id,
				'mcp-protocol-version': '2025-11-25',
			};
			return {
				internalId: id.slice(0, id.lastIndexOf('.')),
				call: (use) => call(use, headers, undefined),
				async end() {
					const init = { method: 'DELETE', headers };
					return (await handler.fetch(new Request('http://localhost/mcp', init), {})).status;
				},
			};
		},
	};
}

function post(
	handler: McpHandler,
	headers: Record<string, string>,
	message: object,
): Promise<Response> {
	const init = {
		method: 'POST',
		headers: {
			'content-type': 'application/json',
			accept: 'application/json, text/event-stream',
			...headers,
		},
		body: JSON.stringify({ jsonrpc: '2.0', ...message }),
	};
	return handler.fetch(new Request('http://localhost/mcp', init), {});
}

/** Returns what a tool has returned, from the last message of a response in JSON or SSE. */
function resultOf(text: string): unknown {
	const [, data = text] = /^data: (\{.*"result".*)$/m.exec(text) ?? [];
	const { result } = JSON.parse(data) as { result?: { content: [{ text: string }] } };
	if (!result) throw new Error(`the call was rejected: ${text}`);
	return JSON.parse(result.content[0].text);
}
