import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { RawSession, sendRaw, startFixture } from './deployment.ts';
import type { Isolates } from './deployment.ts';
import { RawStream } from './raw-stream.ts';

const PING = { id: 1, method: 'ping' };

let workers: Isolates;
let session: RawSession;

beforeAll(async () => {
	workers = await startFixture();
	session = await RawSession.open(workers, '/sse', { 'x-user': 'alice' });
	await session.initialize();
});
afterAll(async () => {
	session.stream.destroy();
	await workers.stop();
});

const idOf = (endpoint: string): string =>
	new URL(endpoint, 'http://localhost').searchParams.get('sessionId') ?? '';

describe('a session id', () => {
	it('gets 404 if it belongs to another principal or is forged', async () => {
		const id = idOf(session.stream.endpoint);
		const forged = [id.slice(0, -1), `${id}A`, id.replace(/.\./, '_.'), '1.a.b', '../x', '%00'];
		const headers = { 'x-user': 'mallory' };
		expect((await session.send(PING, { headers })).status).toBe(404);
		for (const forgedId of forged) {
			const endpoint = `/messages?sessionId=${encodeURIComponent(forgedId)}`;
			expect([forgedId, (await session.send(PING, { endpoint })).status]).toEqual([forgedId, 404]);
		}
	});

	it('gets 400 if it is missing, with a message that names the endpoint event', async () => {
		for (const endpoint of ['/messages', '/messages?sessionId=', '/messages?session_id=x']) {
			const { status, text } = await session.send(PING, { endpoint });
			expect([status, text]).toEqual([400, expect.stringContaining('endpoint event')]);
		}
	});

	it('is rejected by the other transport, and is not read from a header', async () => {
		const user = { 'x-user': 'alice', accept: 'application/json, text/event-stream' };
		const headers = { ...user, 'mcp-session-id': idOf(session.stream.endpoint) };
		expect((await session.send(PING, { endpoint: '/messages', headers })).status).toBe(400);
		const mcp = new URL('/mcp', workers.url('post'));
		expect((await sendRaw(mcp, PING, headers)).status).toBe(404);
		const clientInfo = { name: 'x', version: '1' };
		const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
		const opened = await sendRaw(mcp, { id: 0, method: 'initialize', params }, user);
		const other = opened.headers.get('mcp-session-id') ?? '';
		expect((await sendRaw(mcp, PING, { ...user, 'mcp-session-id': other })).status).toBe(200);
		const stream = await RawStream.open(mcp, { ...user, 'mcp-session-id': other });
		expect(stream.status).toBe(200);
		const endpoint = `/messages?sessionId=${other}`;
		expect((await session.send(PING, { endpoint })).status).toBe(404);
		stream.destroy();
	});

	it('is not sent as a header', () => {
		expect(session.stream.headers['mcp-session-id']).toBeUndefined();
	});
});

describe('a request body', () => {
	const send = (body: string, headers = {}): ReturnType<typeof sendRaw> =>
		sendRaw(new URL(session.stream.endpoint, workers.url('post')), body, {
			'x-user': 'alice',
			...headers,
		});

	it.each([
		'',
		'no json',
		'null',
		'[]',
		'"text"',
		'[{"jsonrpc":"2.0","id":1,"method":"ping"}]',
		'{}',
		'{"id":1,"method":"ping"}',
		'{"jsonrpc":"1.0","id":1,"method":"ping"}',
		'{"jsonrpc":"2.0","id":1}',
		'{"jsonrpc":"2.0","id":1,"method":7}',
		'{"jsonrpc":"2.0","id":null,"method":"ping"}',
		'{"jsonrpc":"2.0","id":1.5,"method":"ping"}',
		'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}',
		'{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"x"}}',
		'{"jsonrpc":"2.0","method":"initialize","params":{}}',
		`${'['.repeat(5_000)}${']'.repeat(5_000)}`,
	])('gets 400 if it is not a message: %.60s', async (body) => {
		const { status, text } = await send(body);
		expect([status, JSON.parse(text)]).toMatchObject([400, { jsonrpc: '2.0', error: {} }]);
	});

	it('gets 400 if it is stateless, with a message that names Streamable HTTP', async () => {
		const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
		const { status, text } = await session.send({ ...PING, params: { _meta } });
		expect([status, text]).toEqual([400, expect.stringContaining('Streamable HTTP')]);
	});

	it('gets 415 for another media type, and 413 if it is too large', async () => {
		const ping = JSON.stringify({ jsonrpc: '2.0', ...PING });
		expect((await send(ping, { 'content-type': 'text/plain' })).status).toBe(415);
		expect((await send(`${ping}${' '.repeat(100_000)}`)).status).toBe(413);
	});

	it('that is rejected does not affect the session', async () => {
		await session.call(7, 'identify');
		expect(JSON.stringify(await session.stream.response(7))).toContain('raw');
	});
});

describe('a request', () => {
	it('with invalid params or an unknown method gets an error on the stream', async () => {
		const level = { id: 8, method: 'logging/setLevel', params: { level: 'loud' } };
		expect((await session.send(level)).status).toBe(202);
		expect(await session.stream.response(8)).toMatchObject({ error: { code: -32602 } });
		const unknown = { id: 9, method: 'no/such/method' };
		expect((await session.send(unknown)).status).toBe(202);
		expect(await session.stream.response(9)).toMatchObject({ error: { code: -32601 } });
	});

	it.each([
		['POST', '/sse', 'GET, OPTIONS'],
		['DELETE', '/sse', 'GET, OPTIONS'],
		['GET', '/messages', 'POST, OPTIONS'],
	])('%s %s gets 405', async (method, path, allow) => {
		const response = await fetch(new URL(path, workers.url('post')), {
			method,
			...(method === 'POST' && {
				body: '{}',
				headers: { 'content-type': 'application/json' },
			}),
		});
		expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
	});

	it('from another origin gets 403 at both paths', async () => {
		const headers = { origin: 'https://evil.example' };
		expect((await session.send(PING, { headers })).status).toBe(403);
		const stream = await RawStream.open(new URL('/sse', workers.url('get')), headers);
		expect(stream.status).toBe(403);
	});

	it('with an unsupported revision gets 400, and one that does not accept a stream gets 406', async () => {
		const headers = { 'mcp-protocol-version': '2026-07-28' };
		expect((await session.send(PING, { headers })).status).toBe(400);
		const url = new URL('/sse', workers.url('get'));
		expect((await RawStream.open(url, { accept: 'application/json' })).status).toBe(406);
	});
});
