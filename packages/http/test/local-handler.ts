import { InMemorySessionStore, StoredInfoSessionManager, StreamError } from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler, McpHandlerOptions } from '@tmcp-sessions/http';
import { StreamSessionManager } from '@tmcp/session-manager';
import { McpServer } from 'tmcp';

export const URL_OF_MCP = 'https://example.com/mcp';
export const KEY = 'a-key-of-the-tests-32-characters-long-and-more';

/** The request that opens a session. */
export const INITIALIZE = {
	id: 1,
	method: 'initialize',
	params: {
		protocolVersion: '2025-06-18',
		capabilities: {},
		clientInfo: { name: 'client', version: '1.0.0' },
	},
};

/** Creates a server with the tools capability and no tools. */
export function createServer(): McpServer {
	return new McpServer(
		{ name: 'test', version: '1.0.0' },
		// tmcp requires this property even if no tool has a schema.
		{ adapter: undefined, capabilities: { tools: { listChanged: true } } },
	);
}

/** Creates a handler with in-memory managers; collects the errors that it reports. */
export function setUp(
	options: McpHandlerOptions = {},
	server: McpServer = createServer(),
): {
	mcp: McpHandler;
	server: McpServer;
	errors: Error[];
} {
	const errors: Error[] = [];
	const onError = (error: Error): void => void errors.push(error);
	const info = new StoredInfoSessionManager(new InMemorySessionStore(), { onError });
	const mcp = createMcpHandler(server, { info, onError, sessionKeys: [KEY], ...options });
	return { server, errors, mcp };
}

/** Opens a session and returns its id. */
export async function open(mcp: McpHandler, accept?: string): Promise<string> {
	const response = await mcp.fetch(post(INITIALIZE, undefined, accept));
	await response.text();
	const session = response.headers.get('mcp-session-id');
	if (session === null) throw new Error(`expected a session; found ${response.status}`);
	return session;
}

/** Returns the internal id of a session, by which managers know it. */
export function internalIdOf(session: string): string {
	return session.slice(0, session.lastIndexOf('.'));
}

/** Creates the POST request of one message, in a session if an id is given. */
export function post(message: object, session?: string, accept?: string): Request {
	return new Request(URL_OF_MCP, {
		method: 'POST',
		headers: {
			'content-type': 'application/json',
			...(accept && { accept }),
			...(session && { 'mcp-session-id': session }),
		},
		body: JSON.stringify({ jsonrpc: '2.0', ...message }),
	});
}

/** A stream manager whose backend cannot be reached. */
export class UnreachableStreams extends StreamSessionManager {
	override create(): Promise<void> {
		return Promise.reject(new StreamError('http', 'opening a stream', 'secret of the backend'));
	}
	override delete(): void {}
	override has(): boolean {
		return false;
	}
	override send(_sessions: string[] | undefined, _frame: string): Promise<void> {
		return Promise.reject(new StreamError('http', 'sending', 'secret of the backend'));
	}
}
