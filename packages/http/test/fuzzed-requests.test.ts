import * as fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { createFuzzedEndpoint, openSession, TOKEN } from './fuzzed-endpoint.ts';
import type { FuzzedEndpoint } from './fuzzed-endpoint.ts';
import { chunkedRequest, exchange, inTime, requestOf } from './fuzzed-exchange.ts';
import type { Fuzzed } from './fuzzed-exchange.ts';
import { headersOf, requestHeaders } from './fuzzed-headers.ts';
import { mutatedMessage, text, validMessage, value } from './fuzzed-messages.ts';
import { unhandledErrors } from './unhandled-errors.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const unhandled = unhandledErrors();
const PING = { headers: headersOf(undefined), body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' };
let endpoint: FuzzedEndpoint;

beforeAll(() => {
	console.log(`fuzzed requests: SEED=${seed}`);
});
beforeEach(() => {
	// tmcp writes a line for each error that one of its methods answers with.
	vi.spyOn(console, 'warn').mockImplementation(() => {});
	endpoint = createFuzzedEndpoint();
});
afterEach(() => {
	vi.restoreAllMocks();
});

/**
 * Sends so many requests, each in a session of its own, and checks what every answer must be, and
 * that the session is as good as before.
 */
async function expectAnswers(requests: fc.Arbitrary<Fuzzed>, numRuns: number): Promise<void> {
	const property = fc.asyncProperty(requests, async (fuzzed) => {
		const { session, status, body } = await exchange(endpoint, fuzzed);
		expect(status).toBeLessThan(500);
		const isEnded = fuzzed.method === 'DELETE' && status === 200;
		const next = await inTime(endpoint.mcp.fetch(requestOf(PING, session)));
		expect([next.status, await next.text()]).toEqual([isEnded ? 404 : 200, expect.any(String)]);
		await expectCalm();
		if (status < 400) return;
		// Sound: every field may be anything.
		const { error } = JSON.parse(body) as { error?: { code?: unknown; message?: unknown } };
		expect([typeof error?.code, typeof error?.message]).toEqual(['number', 'string']);
		expect(body).not.toContain(session);
		expect(body).not.toContain(TOKEN);
	});
	await fc.assert(property, { seed, numRuns });
}

/** Nothing was left behind, and nothing fills the log: a client can send this all day. */
async function expectCalm(): Promise<void> {
	await new Promise(setImmediate);
	expect(unhandled.splice(0).map(String)).toEqual([]);
	expect(endpoint.errors.splice(0).map(String)).toEqual([]);
}

function jsonOf(message: unknown): string {
	return JSON.stringify(message) ?? '';
}

describe('10,000 requests that nobody would write', { timeout: 120_000 }, () => {
	it('messages of both eras with values that are others, missing or too many', async () => {
		const requests = mutatedMessage.map((message) => ({
			headers: headersOf(message),
			body: jsonOf(message),
		}));
		await expectAnswers(requests, 4_000);
	});

	it('any JSON', async () => {
		const requests = value.map((json) => ({ headers: headersOf(json), body: jsonOf(json) }));
		await expectAnswers(requests, 1_500);
	});

	it.each([
		['an id that has no text', '{"jsonrpc":"2.0","id":{"toString":0},"method":"ping"}'],
		['an id that is no integer', '{"jsonrpc":"2.0","id":0.5,"method":"ping"}'],
		['params that are a text', '{"jsonrpc":"2.0","id":1,"method":"ping","params":""}'],
		[
			'params that are a text',
			'{"jsonrpc":"2.0","method":"notifications/initialized","params":""}',
		],
		[
			'a token that is none',
			'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"progressToken":{}}}}',
		],
		[
			'a level that is none',
			'{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":{}}}',
		],
		['a result that is none', '{"jsonrpc":"2.0","id":1,"result":0}'],
	])('%s: %s', async (_, body) => {
		await expectAnswers(fc.constant({ headers: headersOf(undefined), body }), 1);
	});

	it('bodies that break off', async () => {
		const headers = { ...headersOf(undefined), authorization: `Bearer ${TOKEN}` };
		for (const length of [undefined, '1000']) {
			const body = new ReadableStream<Uint8Array>({
				pull: (controller) => controller.error(new Error('the client is gone')),
			});
			const declared = length !== undefined && { 'content-length': length };
			const init = { method: 'POST', headers: { ...headers, ...declared } };
			const { status } = await inTime(endpoint.mcp.fetch(chunkedRequest(init, body)));
			await expectCalm();
			expect(status).toBe(400);
		}
	});

	it('any params of any method', async () => {
		const requests = fc
			.tuple(validMessage, value)
			.map(([message, params]) => ({ ...message, params }))
			.map((message) => ({ headers: headersOf(message), body: jsonOf(message) }));
		await expectAnswers(requests, 1_500);
	});

	it('bytes that are no UTF-8 or no JSON, whole and in chunks', async () => {
		const spoilt = fc
			.tuple(mutatedMessage, fc.nat(), fc.nat({ max: 3 }), fc.uint8Array({ maxLength: 6 }))
			.map(([message, at, dropped, noise]) => {
				const json = Buffer.from(jsonOf(message));
				const from = at % (json.length + 1);
				const rest = json.subarray(from + dropped);
				return Uint8Array.from([...json.subarray(0, from), ...noise, ...rest]);
			});
		const noise = fc.uint8Array().map((bytes) => Uint8Array.from(bytes));
		const requests = fc.record(
			{
				headers: fc.constant(headersOf(undefined)),
				body: fc.oneof({ weight: 5, arbitrary: spoilt }, noise),
				chunkBytes: fc.integer({ min: 1, max: 40 }),
			},
			{ requiredKeys: ['headers', 'body'] },
		);
		await expectAnswers(requests, 1_000);
	});

	it('headers and methods', async () => {
		const requests = fc.record({
			method: fc.oneof(
				{ weight: 4, arbitrary: fc.constantFrom('POST', 'GET', 'DELETE') },
				fc.constantFrom('PUT', 'PATCH', 'HEAD', 'OPTIONS', 'get', 'pAtCh', 'QUERY', '__proto__'),
			),
			headers: requestHeaders,
			body: fc.oneof(validMessage, mutatedMessage).map(jsonOf),
		});
		await expectAnswers(requests, 1_500);
	});

	it('answers to a question that is open: its call ends all the same', async () => {
		const results = fc.record({ action: fc.oneof(fc.constant('accept'), value), content: value });
		const failures = fc.record({ code: fc.oneof(fc.constant(-1), value), message: text });
		const answers = fc.oneof(
			fc.oneof(results, value).map((result) => ({ result })),
			fc.oneof(failures, value).map((error) => ({ error })),
		);
		const headers = headersOf(undefined);
		const ask = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ask' } };
		const property = fc.asyncProperty(answers, async (answer) => {
			const session = await openSession(endpoint);
			const send = (message: object): Promise<Response> =>
				inTime(endpoint.mcp.fetch(requestOf({ headers, body: jsonOf(message) }, session)));
			const asking = (await send(ask)).body?.pipeThrough(new TextDecoderStream()).getReader();
			const [, id] = /"id":"([^"]+)"/.exec((await asking?.read())?.value ?? '') ?? [];
			expect(id).toBeDefined();
			expect((await send({ jsonrpc: '2.0', id, ...answer })).status).toBeLessThan(500);
			while (!(await inTime(asking?.read() ?? Promise.reject(new Error('no body')))).done);
			await expectCalm();
		});
		await fc.assert(property, { seed, numRuns: 500 });
	});
});
