import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import { expect, it } from 'vitest';

import { createServer, KEY, open, post } from './local-handler.ts';

/** Wraps a manager so that the arguments of its methods are recorded. */
function recorded<Manager extends object>(manager: Manager, calls: string[]): Manager {
	return new Proxy(manager, {
		get(target, key) {
			const member: unknown = Reflect.get(target, key, target);
			if (typeof member !== 'function') return member;
			return (...args: unknown[]): unknown => {
				calls.push(`${String(key)} ${args.filter((arg) => typeof arg !== 'object').join(' ')}`);
				return Reflect.apply(member, target, args) as unknown;
			};
		},
	});
}

it('gives managers, tools and logs the internal id of a session only, and accepts only the whole id', async () => {
	const calls: string[] = [];
	const server = createServer();
	const seen: unknown[] = [];
	server.tool({ name: 'who', description: 'Returns nothing' }, async () => {
		seen.push(server.ctx.sessionId);
		// A call that lasts becomes resumable and opens an inbox.
		await new Promise((resolve) => setTimeout(resolve, 1_200));
		return { content: [] };
	});
	const mcp = createMcpHandler(server, {
		info: recorded(new StoredInfoSessionManager(new InMemorySessionStore()), calls),
		streams: recorded(new InMemoryStreamSessionManager(), calls),
		sessionKeys: [KEY],
	});
	const session = await open(mcp);
	const mac = session.slice(session.lastIndexOf('.') + 1);
	const internalId = session.slice(0, session.lastIndexOf('.'));
	expect(mac).toHaveLength(43);

	const call = { id: 2, method: 'tools/call', params: { name: 'who' } };
	const response = await mcp.fetch(post(call, session));
	expect(response.headers.get('mcp-session-id') ?? session).toBe(session);
	await response.text();
	await mcp.fetch(post({ method: 'notifications/cancelled', params: { requestId: 9 } }, session));
	const listen = new Request('https://example.com/mcp', {
		headers: { accept: 'text/event-stream', 'mcp-session-id': session },
	});
	await (await mcp.fetch(listen)).body?.cancel();
	const end = new Request('https://example.com/mcp', {
		method: 'DELETE',
		headers: { 'mcp-session-id': session },
	});
	expect((await mcp.fetch(post({ id: 3, method: 'ping' }, internalId))).status).toBe(404);
	expect((await mcp.fetch(end)).status).toBe(200);

	expect(seen).toEqual([internalId]);
	const methods = new Set(calls.map((each) => each.split(' ')[0]));
	for (const method of ['setClientInfo', 'create', 'openInbox', 'deliver', 'keepCall', 'delete']) {
		expect(methods).toContain(method);
	}
	expect(calls.filter((each) => each.includes(internalId)).length).toBeGreaterThan(5);
	expect(calls.filter((each) => each.includes(mac))).toEqual([]);
});
