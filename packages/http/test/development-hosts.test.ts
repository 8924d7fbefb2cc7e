import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { INITIALIZE, setUp } from './local-handler.ts';

const entry = fileURLToPath(new URL('fixture/local-worker.ts', import.meta.url));
const PATH = '/mcp';
const TYPE = { 'content-type': 'application/json' };

let workers: Workers<'main'>;
let address: URL;
beforeAll(async () => {
	workers = await startWorkers({ entry, workers: ['main'], durableObjects: {} });
	// The address of miniflare, behind which `wrangler dev` puts its own proxy.
	address = await workers.miniflare.ready;
}, 60_000);
afterAll(() => workers.stop());

/** Sends a request as the proxy of `wrangler dev` does, which names the URL that the Worker sees. */
async function send(
	headers: Readonly<Record<string, string>>,
	url?: string,
): Promise<{ status: number; message: string }> {
	return new Promise((resolve, reject) => {
		const original = url === undefined ? {} : { 'mf-original-url': url };
		const options = { method: 'POST', headers: { ...TYPE, ...original, ...headers } };
		const sent = request(new URL(PATH, address), options, (response) => {
			let text = '';
			response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
			response.on('end', () => {
				const [, message = ''] = /"message":"((?:[^"\\]|\\.)*)"/.exec(text) ?? [];
				resolve({ status: response.statusCode ?? 0, message });
			});
		});
		sent.on('error', reject);
		sent.end(JSON.stringify({ jsonrpc: '2.0', ...INITIALIZE }));
	});
}

describe('wrangler dev with routes, which renames localhost', () => {
	it.each<readonly [scheme: string, headers: { readonly origin?: string }]>([
		['http', {}],
		['http', { origin: 'http://mcp.example.com' }],
		['https', { origin: 'https://mcp.example.com' }],
		['https', { origin: 'http://localhost:5173' }],
	])('is detected over %s with %j', async (scheme, headers) => {
		const { status, message } = await send({ ...headers }, `${scheme}://mcp.example.com${PATH}`);
		expect([status, message]).toEqual([
			403,
			expect.stringMatching(/--infer-origin-from-routes=false.*dev.*host.*wrangler\.jsonc/),
		]);
		if (headers.origin !== 'http://localhost:5173')
			expect(message).toMatch(/^Host mcp.example.com /);
		expect(message).not.toMatch(/allowedHosts: true/);
	});

	it('serves localhost, and a client without a page over https', async () => {
		expect((await send({}, `http://localhost:8787${PATH}`)).status).toBe(200);
		expect((await send({ origin: 'http://localhost:5173' })).status).toBe(200);
		expect((await send({}, `https://mcp.example.com${PATH}`)).status).toBe(200);
	});
});

describe('a page of a rebound host', () => {
	it('gets 403 although it claims https, which development servers believe', async () => {
		const host = `evil.example:${address.port}`;
		const claims = { host, 'x-forwarded-proto': 'https', origin: `https://${host}` };
		expect((await send(claims)).status).toBe(403);
		expect((await send({ host, origin: `http://${host}` })).status).toBe(403);
	});

	it.each([
		['of 200 characters', `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.example`],
		['with characters of a message', "x'$(id)!.example"],
	])('is not named in the message if it has a name %s', async (_, host) => {
		for (const headers of [{}, { 'cf-connecting-ip': '127.0.0.1' }]) {
			const response = await setUp().mcp.fetch(new Request(`http://${host}${PATH}`, { headers }));
			const text = await response.text();
			expect([response.status, text]).toEqual([403, expect.stringContaining('"The host of the')]);
			expect(text.length).toBeLessThan(500);
		}
	});
});

describe('plain http to another host', () => {
	it('is named as the reason', async () => {
		const lan = { 'cf-connecting-ip': '192.168.1.20' };
		const { status, message } = await send(lan, `http://192.168.1.5:8787${PATH}`);
		expect([status, message]).toEqual([
			403,
			expect.stringMatching(/^Host 192\.168\.1\.5:8787 not allowed over plain http.*allowedHosts$/),
		]);
	});
});
