/** The protocol version of the clients: the first one whose streams can be resumed. */
export const PROTOCOL_VERSION = '2025-11-25';

const clientInfo = { name: 'soak', version: '1.0.0' };

/** Opens a session that subscribes to a resource, and returns its id. */
export async function openSession(endpoint: URL, uri: string): Promise<string> {
	const params = { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo };
	const opened = await post(endpoint, undefined, { id: 1, method: 'initialize', params });
	const session = opened.headers.get('mcp-session-id');
	if (session === null) throw new Error('initialize must return a session id; got none');
	await post(endpoint, session, { method: 'notifications/initialized' });
	await post(endpoint, session, { id: 2, method: 'resources/subscribe', params: { uri } });
	return session;
}

async function post(
	endpoint: URL,
	session: string | undefined,
	message: { readonly id?: number; readonly method: string; readonly params?: object },
): Promise<Response> {
	const response = await fetch(endpoint, {
		method: 'POST',
		headers: {
			accept: 'application/json, text/event-stream',
			'content-type': 'application/json',
			...(session !== undefined && {
				'mcp-session-id': session,
				'mcp-protocol-version': PROTOCOL_VERSION,
			}),
		},
		body: JSON.stringify({ jsonrpc: '2.0', ...message }),
	});
	const body = await response.text();
	if (response.ok && !body.includes('"error"')) return response;
	throw new Error(`${message.method} must succeed; got ${response.status} ${body}`);
}
