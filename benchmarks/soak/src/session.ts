/** The revision that the clients speak: the first one whose streams can be resumed. */
export const REVISION = '2025-11-25';

/** Opens a session that is subscribed to a resource. @returns its id. */
export async function openSession(endpoint: URL, uri: string): Promise<string> {
	const opened = await post(endpoint, undefined, {
		id: 1,
		method: 'initialize',
		params: {
			protocolVersion: REVISION,
			capabilities: {},
			clientInfo: { name: 'soak', version: '1.0.0' },
		},
	});
	const session = opened.headers.get('mcp-session-id');
	if (session === null) throw new Error(`expected a session; found ${opened.status}`);
	await post(endpoint, session, { method: 'notifications/initialized' });
	await post(endpoint, session, { id: 2, method: 'resources/subscribe', params: { uri } });
	return session;
}

async function post(
	endpoint: URL,
	session: string | undefined,
	message: { readonly method: string } & Record<string, unknown>,
): Promise<Response> {
	const response = await fetch(endpoint, {
		method: 'POST',
		headers: {
			accept: 'application/json, text/event-stream',
			'content-type': 'application/json',
			...(session !== undefined && { 'mcp-session-id': session, 'mcp-protocol-version': REVISION }),
		},
		body: JSON.stringify({ jsonrpc: '2.0', ...message }),
	});
	const answer = await response.text();
	if (response.ok && !answer.includes('"error"')) return response;
	throw new Error(`expected ${message.method} to work; found ${response.status} ${answer}`);
}
