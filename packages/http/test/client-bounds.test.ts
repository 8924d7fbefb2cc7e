import type { McpHandler } from '@tmcp-sessions/http';
import { describe, expect, it } from 'vitest';

import { clientAddressOf } from '../src/session/client-address.ts';
import { open, setUp, URL_OF_MCP } from './local-handler.ts';

const STATELESS = '2026-07-28';

function listen(mcp: McpHandler, id: number, client: string): Promise<Response> {
	const metadata = {
		'io.modelcontextprotocol/protocolVersion': STATELESS,
		'io.modelcontextprotocol/clientCapabilities': {},
		'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
	};
	const params = { notifications: { toolsListChanged: true }, _meta: metadata };
	const headers = {
		'content-type': 'application/json',
		accept: 'application/json, text/event-stream',
		'mcp-protocol-version': STATELESS,
		'mcp-method': 'subscriptions/listen',
		'x-client': client,
	};
	const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'subscriptions/listen', params });
	return mcp.fetch(new Request(URL_OF_MCP, { method: 'POST', headers, body }));
}

const clientOf = (request: Request): string | undefined =>
	request.headers.get('x-client') ?? undefined;

describe('one client harms others: anonymous clients', () => {
	it('hold at most 1,024 subscriptions each, and the next gets a 429 that says so', async () => {
		const { mcp } = setUp({ clientOf, onError: () => {} });
		const opened: Response[] = [];
		for (let id = 0; id < 1_100; id++) opened.push(await listen(mcp, id, 'one'));
		expect(opened.filter(({ status }) => status === 200)).toHaveLength(1_024);
		const refused = opened.at(-1);
		expect(refused?.status).toBe(429);
		expect(refused?.headers.get('retry-after')).toBe('5');
		expect(await refused?.json()).toMatchObject({
			id: 1_099,
			error: {
				message: 'A client may have at most 1024 open subscriptions. End some of them first',
			},
		});
		const other = await listen(mcp, 1, 'other');
		expect(other.status).toBe(200);
		await opened[0]?.body?.cancel();
		await expect.poll(async () => (await listen(mcp, 0, 'one')).status).toBe(200);
		for (const { body } of [...opened.slice(1, 1_024), other]) await body?.cancel();
	}, 20_000);

	it('hold any number of sessions, of which each has its own streams', async () => {
		const { mcp, errors } = setUp({ clientOf });
		for (let count = 0; count < 40; count++) {
			const headers = { 'mcp-session-id': await open(mcp), 'x-client': 'one' };
			const response = await mcp.fetch(new Request(URL_OF_MCP, { headers }));
			expect(response.status).toBe(200);
		}
		expect(errors).toEqual([]);
	});
});

describe('the address of a client', () => {
	const addressOf = (headers: Record<string, string>, cf?: object): string | undefined =>
		clientAddressOf(Object.assign(new Request(URL_OF_MCP, { headers }), cf && { cf }));

	it('is CF-Connecting-IP on Cloudflare', () => {
		expect(addressOf({ 'cf-connecting-ip': '192.0.2.1' }, {})).toBe('192.0.2.1');
	});

	it('is unknown elsewhere, whatever headers a client sends', () => {
		const headers = {
			'cf-connecting-ip': '192.0.2.1',
			'x-forwarded-for': '192.0.2.1',
			'x-real-ip': '192.0.2.1',
			forwarded: 'for=192.0.2.1',
		};
		expect(addressOf(headers)).toBeUndefined();
		expect(addressOf({ 'x-forwarded-for': '192.0.2.1' }, {})).toBeUndefined();
	});

	it('is the /64 network of an IPv6 address, however it is written', () => {
		const networks = [
			'2001:db8:1:2::1',
			'2001:DB8:0001:2:ffff:ffff:ffff:ffff',
			'2001:db8:1:2:3::',
		].map((address) => addressOf({ 'cf-connecting-ip': address }, {}));
		expect(new Set(networks)).toEqual(new Set(['2001:db8:1:2']));
		expect(addressOf({ 'cf-connecting-ip': '2001:db8:1:3::1' }, {})).toBe('2001:db8:1:3');
		expect(addressOf({ 'cf-connecting-ip': '::1' }, {})).toBe('0:0:0:0');
	});
});
