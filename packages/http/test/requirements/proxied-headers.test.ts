import { gzipSync, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';
import { expectRejection } from './rejections.ts';

const VERSION = '2025-06-18';
const PING = { id: 1, method: 'ping' };
const BODY = JSON.stringify({ jsonrpc: '2.0', ...PING });

describeEachDeployment(
	(deployment) => {
		it.each([
			['content-type', (value: string) => `${value}, ${value}`],
			['mcp-session-id', (value: string) => `${value}, ${value}`],
			['mcp-session-id', (value: string) => `${value},${value},${value}`],
			['mcp-protocol-version', (value: string) => `${value}, ${value}`],
			['accept', (value: string) => `${value}, ${value}`],
			['accept', () => 'text/event-stream,application/json'],
			['accept', () => 'Text/Event-Stream; q=0.5 , APPLICATION/JSON'],
			['content-type', () => 'APPLICATION/json;charset=UTF-8'],
		])('accepts %s as a proxy repeats or spells it (%#)', async (name, change) => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize();
			const headers: Record<string, string> = {
				'content-type': 'application/json',
				accept: 'application/json, text/event-stream',
				'mcp-protocol-version': VERSION,
				'mcp-session-id': session,
			};
			const changed = { ...headers, [name]: change(headers[name] ?? '') };
			expect((await isolateB.send('POST', changed, BODY)).status).toBe(200);
			if (name === 'content-type') return;
			const stream = await isolateA.send('GET', changed);
			expect(stream.status).toBe(200);
			stream.destroy();
		});

		it('accepts the repeated headers of a stateless request', async () => {
			const { isolateA } = deployment.endpoint();
			const twice = (value: string): string => `${value}, ${value}`;
			const client = isolateA.with({
				'content-type': twice('application/json'),
				'mcp-protocol-version': twice('2026-07-28'),
				'mcp-method': twice('tools/call'),
				'mcp-name': twice('echo'),
			});
			const params = { name: 'echo', arguments: { text: 'hi' } };
			const response = await client.postStateless({ id: 1, method: 'tools/call', params });
			await response.ended;
			expect([response.status, response.text]).toEqual([200, expect.stringContaining('echo: hi')]);
		});

		it('rejects a header that is repeated with another value', async () => {
			const { isolateA } = deployment.endpoint();
			const session = await isolateA.initialize();
			const other = await isolateA.initialize();
			const both = isolateA.with({ 'mcp-session-id': `${session}, ${other}` });
			await expectRejection(both.post(PING), { status: 400, omits: session });
			const types = isolateA.with({ 'content-type': 'text/plain, application/json' });
			await expectRejection(types.post(PING, session), { status: 415 });
		});

		describe('a compressed body', () => {
			it.each([
				['gzip', gzipSync],
				['X-GZip', gzipSync],
				['deflate', deflateSync],
				['identity', (text: string) => Buffer.from(text)],
			])('is decompressed: %s', async (encoding, compress) => {
				const { isolateA, isolateB } = deployment.endpoint();
				const client = isolateA.with({ 'content-encoding': encoding });
				const session = await isolateA.initialize();
				const headers = { 'content-type': 'application/json', 'mcp-session-id': session };
				const response = await client.send('POST', headers, compress(BODY));
				await response.ended;
				expect([response.status, response.rpcResponse]).toEqual([
					200,
					{ jsonrpc: '2.0', id: 1, result: {} },
				]);
				const stateless = isolateB.with({ 'content-encoding': encoding });
				const list = await stateless.postStateless({ id: 1, method: 'tools/list' }, {}, compress);
				await list.ended;
				expect([list.status, list.text]).toEqual([200, expect.stringContaining('"echo"')]);
			});

			it('is bounded by the size of its content', async () => {
				const { isolateA } = deployment.endpoint();
				const session = await isolateA.initialize();
				const bomb = gzipSync(BODY.padEnd(64 * 1_024 * 1_024));
				expect(bomb.length).toBeLessThan(100_000);
				const headers = {
					'content-type': 'application/json',
					'content-encoding': 'gzip',
					'mcp-session-id': session,
				};
				await expectRejection(isolateA.send('POST', headers, bomb), { status: 413 });
			});

			it.each([
				['br', gzipSync(BODY), 415, /gzip/],
				['gzip, gzip, br', gzipSync(BODY), 415, /gzip/],
				['gzip', Buffer.from(BODY), 400, /gzip/],
				['gzip', gzipSync(BODY).subarray(0, 20), 400, /gzip/],
			])('is rejected if it is not %s (%#)', async (encoding, body, status, message) => {
				const { isolateA } = deployment.endpoint();
				const session = await isolateA.initialize();
				const headers = {
					'content-type': 'application/json',
					'content-encoding': encoding,
					'mcp-session-id': session,
				};
				await expectRejection(isolateA.send('POST', headers, body), { status, message });
			});
		});
	},
	{ concurrent: true },
);
