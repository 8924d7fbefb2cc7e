import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import { createSseHandler } from '@tmcp-sessions/http/legacy-sse';
import { expect, it } from 'vitest';

import {
	CountedInboxes,
	createServer,
	ImpatientStreams,
	KEY,
	LocalSession,
	Platform,
} from './one-process.ts';

const shared = { sessionKeys: [KEY] };

it('a frame never overtakes the one before it, however fast its sending', async () => {
	const streams = new ImpatientStreams();
	const session = await LocalSession.open(createSseHandler(createServer(), { ...shared, streams }));
	await session.call(1, 'count');
	await session.until('"result"');
	const progress = [...session.text.matchAll(/"progress":(\d+)/g)].map(([, each]) => Number(each));
	expect(progress).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
	expect(session.text.lastIndexOf('"progress":')).toBeLessThan(session.text.indexOf('"result"'));
	await session.leave();
});

it('nothing of a message runs on when what waitUntil was given has settled', async () => {
	const streams = new ImpatientStreams();
	const session = await LocalSession.open(createSseHandler(createServer(), { ...shared, streams }));
	const platform = new Platform();
	expect((await session.call(1, 'count', platform)).status).toBe(202);
	await platform.settled();
	expect([streams.running, session.count('"result"')]).toEqual([0, 1]);
	expect(session.count('list_changed')).toBe(1);
	await session.leave();
});

it('a backend that cannot send is reported, and breaks nothing', async () => {
	const errors: unknown[] = [];
	const streams = new ImpatientStreams();
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
	await session.until('"id":2');
	await session.leave();
});

it.each(['sse first', 'mcp first'])(
	'two transports of one server ask and tell once: %s',
	async (order) => {
		const server = createServer();
		const streams = new CountedInboxes();
		const makers = [
			() => createSseHandler(server, { ...shared, streams }),
			() => createMcpHandler(server, { ...shared, streams, path: '/mcp' }),
		];
		if (order === 'mcp first') makers.reverse();
		const handlers = makers.map((make) => make());
		const [sse = handlers[0]] = order === 'mcp first' ? handlers.slice(1) : handlers;
		if (!sse) throw new Error('expected a handler');
		const session = await LocalSession.open(sse);
		await session.initialize();
		const platform = new Platform();
		await session.call(1, 'ask', platform);
		await session.until('elicitation/create');
		const [, asked] = /"id":"([^"]+)"/.exec(session.text) ?? [];
		server.changed('tools');
		await session.send({ id: asked, result: { action: 'decline' } });
		await session.until('decline');
		await platform.settled();
		expect([session.count('elicitation/create'), session.count('list_changed')]).toEqual([1, 1]);
		expect(streams.inboxes).toBe(1);
		await session.leave();
	},
);

it('a cancelled call has no answer', async () => {
	const session = await LocalSession.open(createSseHandler(createServer(), shared));
	const platform = new Platform();
	await session.call(1, 'wait', platform);
	await session.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
	await platform.settled();
	await session.send({ id: 2, method: 'ping' });
	await session.until('"id":2');
	expect(session.count('"id":1')).toBe(0);
	await session.leave();
});

it('a client that does not read is cut, and its session has ended', async () => {
	const errors: unknown[] = [];
	const onError = (error: Error): void => void errors.push(error);
	const streams = new InMemoryStreamSessionManager({ onError });
	const handler = createSseHandler(createServer(), { ...shared, streams, onError });
	const ofStream = new Platform();
	const session = await LocalSession.open(handler, { stalls: true, platform: ofStream });
	const platform = new Platform();
	await session.call(1, 'flood', platform);
	await platform.settled();
	// It ends although nobody reads what waits.
	await ofStream.settled();
	expect(errors.map(String)).toEqual([expect.stringContaining('read')]);
	expect((await session.send({ id: 2, method: 'ping' })).status).toBe(404);
});

it('a browser of an allowed origin sees every answer, a refusal too', async () => {
	const origin = 'https://app.example';
	const handler = createSseHandler(createServer(), {
		...shared,
		allowedOrigins: origin,
		cors: { origin },
	});
	const ask = (method: string, path: string): Promise<Response> =>
		handler.fetch(new Request(`https://mcp.example${path}`, { method, headers: { origin } }));
	for (const [method, path, status] of [
		['OPTIONS', '/sse', 204],
		['OPTIONS', '/messages', 204],
		['GET', '/sse', 200],
		['POST', '/messages', 400],
		['DELETE', '/messages', 405],
	] as const) {
		const response = await ask(method, path);
		await response.body?.cancel();
		const allowed = response.headers.get('access-control-allow-origin');
		expect([method, path, response.status, allowed]).toEqual([method, path, status, origin]);
	}
});

it.each([
	['a number that is out of range', { keepAliveSeconds: 26 }, /keepAliveSeconds/],
	['a key that is too short', { sessionKeys: ['short'] }, /32 characters/],
	['callers that are nobody', { oauth: { verify: async () => null } }, /principal/],
	['a path that is no path', { path: 'sse' }, /path/],
	['one address for both', { path: '/sse', endpoint: '/sse' }, /endpoint/],
])('%s is an error when the handler is made', (_, options, message) => {
	expect(() => createSseHandler(createServer(), { ...shared, ...options })).toThrow(message);
});

it('without keys, a deployment that is called from elsewhere says what is missing', async () => {
	const errors: unknown[] = [];
	const onError = (error: Error): void => void errors.push(error);
	const handler = createSseHandler(createServer(), { onError });
	const response = await handler.fetch(new Request('https://mcp.example/sse'));
	expect(response.status).toBe(500);
	expect(String(errors[0])).toContain('TMCP_SESSION_KEYS');
});

it('a token that is not good is a 401 at both addresses', async () => {
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

it('the endpoint event is the first, whatever its manager begins a stream with', async () => {
	class TalkativeStreams extends InMemoryStreamSessionManager {
		override create(id: string, controller: ReadableStreamDefaultController): void {
			super.create(id, controller);
			this.send(undefined, 'event: message\ndata: {"jsonrpc":"2.0","method":"early"}\n\n');
		}
	}
	const streams = new TalkativeStreams();
	const session = await LocalSession.open(createSseHandler(createServer(), { ...shared, streams }));
	await session.until('early');
	expect(session.text).toMatch(/^event: endpoint\ndata: \/messages\?sessionId=[\w.-]+\n\n/);
	// Clients of that time take empty data for a broken message.
	expect(session.text).not.toMatch(/^data: $/m);
	await session.leave();
});
