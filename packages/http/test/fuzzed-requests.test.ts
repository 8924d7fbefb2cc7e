import * as fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';

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
	endpoint = createFuzzedEndpoint();
});

/**
 * Sends generated requests, each in its own session. Expects of each a well-formed response without
 * secrets, and that the session still works afterwards.
 */
async function expectResponses(requests: fc.Arbitrary<Fuzzed>, numRuns: number): Promise<void> {
	const property = fc.asyncProperty(requests, async (fuzzed) => {
		const { session, status, body } = await exchange(endpoint, fuzzed);
		expect(status, body.slice(0, 300)).toBeLessThan(500);
		const isEnded = fuzzed.method === 'DELETE' && status === 200;
		const next = await inTime(endpoint.mcp.fetch(requestOf(PING, session)));
		expect([next.status, await next.text()]).toEqual([isEnded ? 404 : 200, expect.any(String)]);
		await expectNoErrors();
		if (status < 400) return;
		// Safe because every field is optional and unknown.
		const { error } = JSON.parse(body) as { error?: { code?: unknown; message?: unknown } };
		expect([typeof error?.code, typeof error?.message]).toEqual(['number', 'string']);
		expect(body).not.toContain(session);
		expect(body).not.toContain(TOKEN);
	});
	await fc.assert(property, { seed, numRuns });
}

/** Expects no unhandled rejection, and no reported error but the bounded ones of rejected messages. */
async function expectNoErrors(): Promise<void> {
	await new Promise(setImmediate);
	expect(unhandled.splice(0).map(String)).toEqual([]);
	const errors = endpoint.errors.splice(0).filter((error) => !isOfMessage(error));
	expect(errors.map(String)).toEqual([]);
}

/** Whether the server or a tool has rejected a message. A TypeError is a fault of the server. */
function isOfMessage(error: Error): boolean {
	const isBounded = error.message.length < 1_000 && !(error.cause instanceof TypeError);
	return 'code' in error && error.code === 'message' && isBounded;
}

function jsonOf(message: unknown): string {
	return JSON.stringify(message) ?? '';
}

describe('10,000 fuzzed requests', { timeout: 120_000 }, () => {
	it('answers mutated messages of both eras without a server error', async () => {
		const requests = mutatedMessage.map((message) => ({
			headers: headersOf(message),
			body: jsonOf(message),
		}));
		await expectResponses(requests, 4_000);
	});

	it('answers any JSON body without a server error', async () => {
		const requests = value.map((json) => ({ headers: headersOf(json), body: jsonOf(json) }));
		await expectResponses(requests, 1_500);
	});

	it.each([
		['an id with a toString member', '{"jsonrpc":"2.0","id":{"toString":0},"method":"ping"}'],
		['a fractional id', '{"jsonrpc":"2.0","id":0.5,"method":"ping"}'],
		['text params of a request', '{"jsonrpc":"2.0","id":1,"method":"ping","params":""}'],
		[
			'text params of a notification',
			'{"jsonrpc":"2.0","method":"notifications/initialized","params":""}',
		],
		[
			'an invalid progress token',
			'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"progressToken":{}}}}',
		],
		[
			'an invalid log level',
			'{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":{}}}',
		],
		['an invalid result', '{"jsonrpc":"2.0","id":1,"result":0}'],
	])('answers %s without a server error: %s', async (_, body) => {
		await expectResponses(fc.constant({ headers: headersOf(undefined), body }), 1);
	});

	it('responds 400 to a body that breaks off', async () => {
		const headers = { ...headersOf(undefined), authorization: `Bearer ${TOKEN}` };
		for (const length of [undefined, '1000']) {
			const body = new ReadableStream<Uint8Array>({
				pull: (controller) => controller.error(new Error('the client is gone')),
			});
			const declared = length !== undefined && { 'content-length': length };
			const init = { method: 'POST', headers: { ...headers, ...declared } };
			const { status } = await inTime(endpoint.mcp.fetch(chunkedRequest(init, body)));
			await expectNoErrors();
			expect(status).toBe(400);
		}
	});

	it('answers any params of any method without a server error', async () => {
		const requests = fc
			.tuple(validMessage, value)
			.map(([message, params]) => ({ ...message, params }))
			.map((message) => ({ headers: headersOf(message), body: jsonOf(message) }));
		await expectResponses(requests, 1_500);
	});

	it('answers invalid UTF-8 and invalid JSON without a server error, whole and in chunks', async () => {
		const corrupted = fc
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
				body: fc.oneof({ weight: 5, arbitrary: corrupted }, noise),
				chunkBytes: fc.integer({ min: 1, max: 40 }),
			},
			{ requiredKeys: ['headers', 'body'] },
		);
		await expectResponses(requests, 1_000);
	});

	it('answers any headers and HTTP methods without a server error', async () => {
		const requests = fc.record({
			method: fc.oneof(
				{ weight: 4, arbitrary: fc.constantFrom('POST', 'GET', 'DELETE') },
				fc.constantFrom('PUT', 'PATCH', 'HEAD', 'OPTIONS', 'get', 'pAtCh', 'QUERY', '__proto__'),
			),
			headers: requestHeaders,
			body: fc.oneof(validMessage, mutatedMessage).map(jsonOf),
		});
		await expectResponses(requests, 1_500);
	});

	it('ends a call that waits for an elicitation, whatever the client responds', async () => {
		const results = fc.record({ action: fc.oneof(fc.constant('accept'), value), content: value });
		const failures = fc.record({ code: fc.oneof(fc.constant(-1), value), message: text });
		const responses = fc.oneof(
			fc.oneof(results, value).map((result) => ({ result })),
			fc.oneof(failures, value).map((error) => ({ error })),
		);
		const headers = headersOf(undefined);
		const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'elicit' } };
		const property = fc.asyncProperty(responses, async (response) => {
			const session = await openSession(endpoint);
			const send = (message: object): Promise<Response> =>
				inTime(endpoint.mcp.fetch(requestOf({ headers, body: jsonOf(message) }, session)));
			const reader = (await send(call)).body?.pipeThrough(new TextDecoderStream()).getReader();
			const [, id] = /"id":"([^"]+)"/.exec((await reader?.read())?.value ?? '') ?? [];
			expect(id).toBeDefined();
			expect((await send({ jsonrpc: '2.0', id, ...response })).status).toBeLessThan(500);
			while (!(await inTime(reader?.read() ?? Promise.reject(new Error('no body')))).done);
			await expectNoErrors();
		});
		await fc.assert(property, { seed, numRuns: 500 });
	});
});
