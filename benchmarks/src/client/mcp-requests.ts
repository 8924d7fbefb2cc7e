/** The URI of the resource that clients subscribe to. */
export const changingUri = 'test://changing';

/** The arguments of `fetch` besides the URL. */
export interface McpRequest {
	readonly method: 'GET' | 'POST' | 'DELETE';
	readonly headers: Readonly<Record<string, string>>;
	readonly body?: string;
}

const clientInfo = { name: 'benchmark', version: '1.0.0' };
const clientCapabilities = { roots: { listChanged: true }, sampling: {} };
const acceptBoth = 'application/json, text/event-stream';

/** Creates the first request of a session; the response carries `mcp-session-id`. */
export function initialize(): McpRequest {
	return post(
		{},
		{
			id: 1,
			method: 'initialize',
			params: { protocolVersion: '2025-06-18', capabilities: clientCapabilities, clientInfo },
		},
	);
}

/** Creates a message of a session. Without an `id` it is a notification. */
export function sessionMessage(
	session: string,
	message: { id?: number; method: string; params?: object },
): McpRequest {
	return post(sessionHeaders(session), message);
}

/** Creates a tool call of a session, to which every contender responds with `sumResponse`. */
export function sessionToolCall(session: string): McpRequest {
	return sessionMessage(session, {
		id: 2,
		method: 'tools/call',
		params: { name: 'add', arguments: { a: 1, b: 2 } },
	});
}

/** The whole body of the response to `sessionToolCall`. */
export const sumResponse =
	'event: message\ndata: {"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"3"}]}}\n\n';

/** Creates a tool call of 2026-07-28, which has no sessions. */
export function statelessToolCall(name: string, args: object = {}): McpRequest {
	return post(
		{
			'mcp-protocol-version': '2026-07-28',
			'mcp-method': 'tools/call',
			'mcp-name': name,
		},
		{
			id: 3,
			method: 'tools/call',
			params: {
				name,
				arguments: args,
				_meta: {
					'io.modelcontextprotocol/protocolVersion': '2026-07-28',
					'io.modelcontextprotocol/clientInfo': clientInfo,
					'io.modelcontextprotocol/clientCapabilities': clientCapabilities,
				},
			},
		},
	);
}

/** Creates the request that opens a session's stream. */
export function openStream(session: string): McpRequest {
	return { method: 'GET', headers: { ...sessionHeaders(session), accept: 'text/event-stream' } };
}

/** Creates the request that ends a session. */
export function endSession(session: string): McpRequest {
	return { method: 'DELETE', headers: sessionHeaders(session) };
}

function sessionHeaders(session: string): Record<string, string> {
	return { 'mcp-session-id': session, 'mcp-protocol-version': '2025-06-18' };
}

function post(headers: Record<string, string>, message: object): McpRequest {
	return {
		method: 'POST',
		headers: { ...headers, accept: acceptBoth, 'content-type': 'application/json' },
		body: JSON.stringify({ jsonrpc: '2.0', ...message }),
	};
}
