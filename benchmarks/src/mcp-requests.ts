/** A resource that can be subscribed to. */
export const changingUri = 'test://changing';

/** What `fetch` takes besides the address. */
export interface McpRequest {
	readonly method: 'GET' | 'POST' | 'DELETE';
	readonly headers: Readonly<Record<string, string>>;
	readonly body?: string;
}

const clientInfo = { name: 'benchmark', version: '1.0.0' };
const clientCapabilities = { roots: { listChanged: true }, sampling: {} };
const bothTypes = 'application/json, text/event-stream';

/** The first request of a session; its answer's `mcp-session-id` names the session. */
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

/** A message of a session. Without an `id` it is a notification. */
export function sessionMessage(
	session: string,
	message: { id?: number; method: string; params?: object },
): McpRequest {
	return post(sessionHeaders(session), message);
}

/** A tool call of a session; the answer is that of `sumAnswer`. */
export function sessionToolCall(session: string): McpRequest {
	return sessionMessage(session, {
		id: 2,
		method: 'tools/call',
		params: { name: 'add', arguments: { a: 1, b: 2 } },
	});
}

/** The whole body that answers `sessionToolCall`, from every contender alike. */
export const sumAnswer =
	'event: message\ndata: {"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"3"}]}}\n\n';

/** A tool call of 2026-07-28, which knows no session. */
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

/** Opens the session's stream. */
export function openStream(session: string): McpRequest {
	return { method: 'GET', headers: { ...sessionHeaders(session), accept: 'text/event-stream' } };
}

/** Ends the session. */
export function endSession(session: string): McpRequest {
	return { method: 'DELETE', headers: sessionHeaders(session) };
}

function sessionHeaders(session: string): Record<string, string> {
	return { 'mcp-session-id': session, 'mcp-protocol-version': '2025-06-18' };
}

function post(headers: Record<string, string>, message: object): McpRequest {
	return {
		method: 'POST',
		headers: { ...headers, accept: bothTypes, 'content-type': 'application/json' },
		body: JSON.stringify({ jsonrpc: '2.0', ...message }),
	};
}
