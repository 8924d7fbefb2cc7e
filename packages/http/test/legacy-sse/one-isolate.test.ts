import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import { createSseHandler } from '@tmcp-sessions/http/legacy-sse';
import { expect, it } from 'vitest';

import {
	CountedInboxes,
	createServer,
	UnevenStreams,
	KEY,
	LocalSession,
	Platform,
} from './local-session.ts';

const shared = { sessionKeys: [KEY] };

it('keeps the order of frames even if later sends are faster', async () => {
	const streams = new UnevenStreams();
	const session = await LocalSession.open(createSseHandler(createServer(), { ...shared, streams }));
	await session.call(1, 'count');
	await session.waitFor('"result"');
	const progress = [...session.text.matchAll(/"progress":(\d+)/g)].map(([, each]) => Number(each));
	expect(progress).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
	expect(session.text.lastIndexOf('"progress":')).toBeLessThan(session.text.indexOf('"result"'));
	await session.disconnect();
});

it('finishes every send of a message before the promises of waitUntil settle', async () => {
	const streams = new UnevenStreams();
	const session = await LocalSession.open(createSseHandler(createServer(), { ...shared, streams }));
	const platform = new Platform();
	expect((await session.call(1, 'count', platform)).status).toBe(202);
	await platform.settled();
	expect([streams.running, session.count('"result"')]).toEqual([0, 1]);
	expect(session.count('list_changed')).toBe(1);
	await session.disconnect();
});

it('reports a failed send and keeps the session usable', async () => {
	const errors: unknown[] = [];
	const streams = new UnevenStreams();
	const onError = (error: Error): void => void errors.push(error);
	const handler = createSseHandler(createServer(), { ...shared, streams, onError });
	const session = await LocalSession.open(handler);
	streams.failure = new Error('cannot send');
	const platform = new Platform();
	await session.send({ id: 1, method: 'ping' }, platform);
	await platform.settled();
	expect(errors.map(String)).toEqual([expect.stringContaining('cannot send')]);
	streams.failure = undefined;
	await session.send({ id: 2, method: 'ping' });
	await session.waitFor('"id":2');
	await session.disconnect();
});

it.each(['sse first', 'mcp first'])(
	'sends one elicitation and one change if two transports share a server: %s',
	async (order) => {
		const server = createServer();
		const streams = new CountedInboxes();
		const factories = [
			() => createSseHandler(server, { ...shared, streams }),
			() => createMcpHandler(server, { ...shared, streams, path: '/mcp' }),
		];
		if (order === 'mcp first') factories.reverse();
		const handlers = factories.map((create) => create());
		const [sse = handlers[0]] = order === 'mcp first' ? handlers.slice(1) : handlers;
		if (!sse) throw new Error('expected a handler');
		const session = await LocalSession.open(sse);
		await session.initialize();
		const platform = new Platform();
		await session.call(1, 'elicit', platform);
		await session.waitFor('elicitation/create');
		const [, elicitation] = /"id":"([^"]+)"/.exec(session.text) ?? [];
		server.changed('tools');
		await session.send({ id: elicitation, result: { action: 'decline' } });
		await session.waitFor('decline');
		await platform.settled();
		expect([session.count('elicitation/create'), session.count('list_changed')]).toEqual([1, 1]);
		expect(streams.inboxes).toBe(1);
		await session.disconnect();
	},
);

it('sends no response to a cancelled call', async () => {
	const session = await LocalSession.open(createSseHandler(createServer(), shared));
	const platform = new Platform();
	await session.call(1, 'wait', platform);
	await session.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
	await platform.settled();
	await session.send({ id: 2, method: 'ping' });
	await session.waitFor('"id":2');
	expect(session.count('"id":1')).toBe(0);
	await session.disconnect();
});

it('disconnects a client that does not read, and ends its session', async () => {
	const errors: unknown[] = [];
	const onError = (error: Error): void => void errors.push(error);
	const streams = new InMemoryStreamSessionManager({ onError });
	const handler = createSseHandler(createServer(), { ...shared, streams, onError });
	const streamPlatform = new Platform();
	const session = await LocalSession.open(handler, { stalls: true, platform: streamPlatform });
	const platform = new Platform();
	await session.call(1, 'flood', platform);
	await platform.settled();
	// Settles although the client never reads the buffered frames.
	await streamPlatform.settled();
	expect(errors.map(String)).toEqual([expect.stringContaining('read')]);
	expect((await session.send({ id: 2, method: 'ping' })).status).toBe(404);
});

it('sends CORS headers with every response to an allowed origin, also with errors', async () => {
	const origin = 'https://app.example';
	const handler = createSseHandler(createServer(), {
		...shared,
		cors: origin,
	});
	const send = (method: string, path: string): Promise<Response> =>
		handler.fetch(new Request(`https://mcp.example${path}`, { method, headers: { origin } }));
	for (const [method, path, status] of [
		['OPTIONS', '/sse', 204],
		['OPTIONS', '/messages', 204],
		['GET', '/sse', 200],
		['POST', '/messages', 400],
		['DELETE', '/messages', 405],
	] as const) {
		const response = await send(method, path);
		await response.body?.cancel();
		const allowed = response.headers.get('access-control-allow-origin');
		expect([method, path, response.status, allowed]).toEqual([method, path, status, origin]);
	}
});

it.each([
	['an out-of-range number', { keepAliveSeconds: 26 }, /keepAliveSeconds/],
	['a short key', { sessionKeys: ['short'] }, /32 characters/],
	['oauth without principal', { oauth: { verify: async () => null } }, /principal/],
	['an invalid path', { path: 'sse' }, /path/],
	['the same path for both', { path: '/sse', endpoint: '/sse' }, /endpoint/],
])('throws at construction for %s', (_, options, message) => {
	expect(() => createSseHandler(createServer(), { ...shared, ...options })).toThrow(message);
});

it('responds 500 to a public request without keys, and reports the missing variable', async () => {
	const errors: unknown[] = [];
	const onError = (error: Error): void => void errors.push(error);
	const handler = createSseHandler(createServer(), { onError });
	const response = await handler.fetch(new Request('https://mcp.example/sse'));
	expect(response.status).toBe(500);
	expect(String(errors[0])).toContain('TMCP_SESSION_KEYS');
});

it('responds 401 to an invalid token at both paths', async () => {
	const handler = createSseHandler(createServer(), {
		...shared,
		principal: (request) => request.headers.get('authorization'),
	});
	for (const [method, path] of [
		['GET', '/sse'],
		['POST', '/messages'],
	]) {
		const response = await handler.fetch(
			new Request(`https://mcp.example${path}`, { ...(method && { method }) }),
		);
		expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
	}
});

it('sends the endpoint event first, even if the manager sends at once', async () => {
	class EagerStreams extends InMemoryStreamSessionManager {
		override create(id: string, controller: ReadableStreamDefaultController): void {
			super.create(id, controller);
			this.send(undefined, 'event: message\ndata: {"jsonrpc":"2.0","method":"early"}\n\n');
		}
	}
	const streams = new EagerStreams();
	const session = await LocalSession.open(createSseHandler(createServer(), { ...shared, streams }));
	await session.waitFor('early');
	expect(session.text).toMatch(/^event: endpoint\ndata: \/messages\?sessionId=[\w.-]+\n\n/);
	// Clients of that revision reject an event with empty data as a broken message.
	expect(session.text).not.toMatch(/^data: $/m);
	await session.disconnect();
});
