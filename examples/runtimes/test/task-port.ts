import type {
	ConnectedMcpSessionPort,
	JsonRpcResponse,
} from '@modelcontextprotocol/ext-tasks/client';

const PREFIX = 'io.modelcontextprotocol/';
const REVISION = '2026-07-28';

interface Reply {
	readonly result?: never;
	readonly error?: never;
}

/** Connects the official client of tasks to the address that a function returns for each request. */
export function createTaskPort(next: () => URL): ConnectedMcpSessionPort {
	let id = 0;
	return {
		endpointId: 'notes',
		taskCapabilities: { generation: 'v2', capabilities: {} },
		invalidated: false,
		async dispatch(dispatched): Promise<JsonRpcResponse> {
			// Safe because the client dispatches JSON-RPC requests.
			const { method, params } = dispatched as unknown as {
				method: string;
				params: Readonly<Record<string, unknown>>;
			};
			const name = params['taskId'] ?? params['name'];
			const _meta = {
				[`${PREFIX}protocolVersion`]: REVISION,
				[`${PREFIX}clientCapabilities`]: { extensions: { [`${PREFIX}tasks`]: {} } },
				[`${PREFIX}clientInfo`]: { name: 'visitor', version: '1.0.0' },
			};
			const response = await fetch(next(), {
				method: 'POST',
				headers: {
					'content-type': 'application/json',
					accept: 'application/json, text/event-stream',
					'mcp-protocol-version': REVISION,
					'mcp-method': method,
					...(typeof name === 'string' && { 'mcp-name': name }),
				},
				body: JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params: { ...params, _meta } }),
			});
			const { error, result } = parse(await response.text());
			return error ? { kind: 'error', error } : { kind: 'result', result: result as never };
		},
		onServerRequest: () => () => {},
		onNotification: () => () => {},
		onInvalidated: () => () => {},
	};
}

/** Returns the message of a response, which is JSON or the last event of a stream. */
function parse(text: string): Reply {
	const data = text.startsWith('{') ? text : /^data: (.+)$/gm.exec(text)?.[1];
	return JSON.parse(data ?? '{}') as Reply; // Safe because it is a JSON-RPC response.
}
