import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';

import type { Endpoint } from '../endpoint.ts';
import { IncomingResponse } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import { expectRejection } from './rejections.ts';

const FORGED = `1.0.${'x'.repeat(32)}.${'y'.repeat(43)}`;
const LIST = { id: 1, method: 'tools/list' };
const KIBIBYTE = 1_024;
const UNNAMED_BYTES = 64 * KIBIBYTE;
const ANSWER_MS = 5_000;

/** Sends the headers of a POST and a part of its body, and keeps the rest back. */
async function beginPost(
	endpoint: Endpoint,
	headers: Readonly<Record<string, string>>,
	part: string,
): Promise<{ response: Promise<IncomingResponse>; sent: ClientRequest }> {
	const sent = request(endpoint.url, {
		method: 'POST',
		headers: {
			'content-type': 'application/json',
			accept: 'application/json, text/event-stream',
			...headers,
		},
		agent: false,
	});
	const response = new Promise<IncomingResponse>((resolve, reject) => {
		const timer = setTimeout(() => reject(new Error('the server waits for the body')), ANSWER_MS);
		sent.on('response', (incoming: IncomingMessage) => {
			clearTimeout(timer);
			resolve(new IncomingResponse(incoming));
		});
		sent.on('error', reject);
	});
	await new Promise((resolve) => sent.write(part, resolve));
	return { response, sent };
}

/** Creates a message of this many characters. */
function messageOf(message: object, length: number): string {
	const params = { padding: '' };
	const text = (): string => JSON.stringify({ jsonrpc: '2.0', ...message, params });
	params.padding = 'x'.repeat(length - text().length);
	return text();
}

describeEachDeployment(
	(deployment) => {
		it.each([
			['forged', FORGED],
			['malformed', 'a b'],
		])('rejects a session id that is %s before it reads a large body', async (_, id) => {
			const { isolateA } = deployment.endpoint();
			for (const framing of [
				{ 'content-length': String(500 * KIBIBYTE) },
				{ 'content-length': String(900 * KIBIBYTE * KIBIBYTE) },
			]) {
				const headers = { 'mcp-session-id': id, ...framing };
				const { response, sent } = await beginPost(isolateA, headers, '{"jsonrpc":"2.0"');
				const rejection = { status: id === FORGED ? 404 : 400, message: /session/i, omits: id };
				await expectRejection(await response, rejection);
				sent.destroy();
			}
		});

		it('reads at most 64 KiB of a chunked body whose session id is forged', async () => {
			const { isolateA } = deployment.endpoint();
			const part = messageOf(LIST, UNNAMED_BYTES + 1);
			const { response, sent } = await beginPost(isolateA, { 'mcp-session-id': FORGED }, part);
			await expectRejection(await response, { status: 404, omits: FORGED });
			sent.destroy();
		});

		it('reads at most 64 KiB of a session-based request that names no session', async () => {
			const { isolateA } = deployment.endpoint();
			const body = (length: number): string => messageOf({ ...LIST, method: 'initialize' }, length);
			const rejection = { status: 413, message: /65536/ };
			await expectRejection(isolateA.send('POST', {}, body(UNNAMED_BYTES + 1)), rejection);
			// `initialize` itself has a lower limit.
			const tooLong = { status: 400, message: /initialize/ };
			await expectRejection(isolateA.send('POST', {}, body(UNNAMED_BYTES)), tooLong);
		});

		it('echoes the request id in the rejection of a forged session id', async () => {
			const { isolateA } = deployment.endpoint();
			const response = await isolateA.post({ ...LIST, id: 'mine' }, FORGED);
			await response.ended;
			expect([response.status, response.rpcResponse.id]).toEqual([404, 'mine']);
		});

		it('opens a session with an initialize that names a forged one, with up to 64 KiB', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.with({ 'mcp-session-id': FORGED }).initialize();
			expect(session).not.toBe(FORGED);
			// Whitespace counts.
			const large = await isolateB.with({ 'mcp-session-id': FORGED }).send(
				'POST',
				{},
				JSON.stringify({
					jsonrpc: '2.0',
					id: 1,
					method: 'initialize',
					params: {
						protocolVersion: '2025-06-18',
						capabilities: {},
						clientInfo: { name: 'large', version: '1' },
					},
				}).padEnd(UNNAMED_BYTES),
			);
			await large.ended;
			expect([large.status, large.headers]).toEqual([
				200,
				expect.objectContaining({ 'mcp-session-id': expect.any(String) }),
			]);
		});

		it('accepts a body of 1 MiB from a session and from a stateless client', async () => {
			const { isolateA } = deployment.endpoint();
			const session = await isolateA.initialize();
			const text = 'x'.repeat(1_024 * KIBIBYTE - 500);
			expect(await isolateA.call('echo', session, { text })).toContain(text.slice(0, 100));
			const params = { name: 'echo', arguments: { text } };
			const response = await isolateA.postStateless({ id: 1, method: 'tools/call', params });
			await response.ended;
			expect(response.status).toBe(200);
			const tooLarge = { name: 'echo', arguments: { text: `${text}${'x'.repeat(1_000)}` } };
			const call = { id: 1, method: 'tools/call', params: tooLarge };
			await expectRejection(isolateA.post(call, session), { status: 413, message: /1048576/ });
		});
	},
	{ concurrent: true },
);
