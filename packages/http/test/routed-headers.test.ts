import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createCallRunner, ROUTED_HEADERS } from '@tmcp-sessions/http/internal';
import { expect, it } from 'vitest';

import { createServer, INITIALIZE } from './local-handler.ts';

/** The transport reads it for CORS headers only, which the Worker sets. */
const READ_BY_TRANSPORT = 'origin';
const SESSION = 'id-of-the-session';
const HEADERS = {
	accept: 'application/json, text/event-stream',
	'content-type': 'application/json',
	'mcp-protocol-version': '2025-06-18',
};

it('reads the headers that a Worker forwards to a session object, and no others', async () => {
	const read = new Set<string>();
	const server = createServer();
	server.tool({ name: 'wait', description: 'Waits' }, async () => {
		await new Promise((resolve) => setTimeout(resolve, 10));
		return { content: [] };
	});
	const { run } = createCallRunner(server, {
		streams: new InMemoryStreamSessionManager(),
		info: new StoredInfoSessionManager(new InMemorySessionStore()),
	});
	const send = async (
		method: string,
		message?: object,
		sent: Record<string, string> = { ...HEADERS, 'mcp-session-id': SESSION },
	): Promise<number> => {
		const headers = new Proxy(sent, {
			get(target, name) {
				read.add(String(name));
				return Reflect.get(target, name);
			},
		});
		const body = message ? JSON.stringify({ jsonrpc: '2.0', ...message }) : '';
		const call = { method, headers, body, sessionId: SESSION, principal: '', auth: null };
		const answer = await run(call, { waitUntil: () => {} });
		// A stream is read to its end.
		if (answer instanceof Response) await answer.text();
		return answer.status;
	};
	expect([
		await send('POST', INITIALIZE, HEADERS),
		await send('POST', { method: 'notifications/initialized' }),
		await send('POST', { id: 2, method: 'tools/list' }),
		await send('POST', { id: 3, method: 'tools/call', params: { name: 'wait' } }),
		await send('POST', { id: 4, result: {} }),
		await send('DELETE'),
	]).toEqual([200, 202, 200, 200, 202, 200]);
	read.delete(READ_BY_TRANSPORT);
	expect([...read].toSorted()).toEqual([...ROUTED_HEADERS, 'mcp-session-id'].toSorted());
});
