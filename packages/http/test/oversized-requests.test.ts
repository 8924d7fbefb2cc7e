import { beforeEach, describe, expect, it } from 'vitest';

import { createFuzzedEndpoint, openSession, TOKEN } from './fuzzed-endpoint.ts';
import type { FuzzedEndpoint } from './fuzzed-endpoint.ts';
import { chunkedRequest, exchange, inTime } from './fuzzed-exchange.ts';
import type { Fuzzed } from './fuzzed-exchange.ts';
import { headersOf } from './fuzzed-headers.ts';
import { nested } from './fuzzed-messages.ts';

const MAX_BYTES = 1_024 * 1_024;
const headers = headersOf(undefined);

let endpoint: FuzzedEndpoint;
beforeEach(() => {
	endpoint = createFuzzedEndpoint();
});

/** Creates a tool call of this many bytes. */
function callOf(bytes: number): string {
	const [before, after] = [
		'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"',
		'"}}}',
	];
	return before + 'x'.repeat(bytes - before.length - after.length) + after;
}

/** Creates a tool call nested this many levels deep. */
function deepCall(levels: number): string {
	return message({ params: { name: 'echo', arguments: nested(levels - 2) } });
}

function message(fields: object): string {
	return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', ...fields });
}

function initialize(length: number): string {
	const clientInfo = { name: 'large', version: '1.0.0' };
	const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo, padding: '' };
	params.padding = 'x'.repeat(length - JSON.stringify(params).length);
	return message({ method: 'initialize', params });
}

const METADATA = {
	'io.modelcontextprotocol/protocolVersion': '2026-07-28',
	'io.modelcontextprotocol/clientCapabilities': {},
};

/** Creates a stateless request whose header names a method of this length. */
function naming(length: number): Fuzzed {
	const body = message({ method: 'tools/list', params: { _meta: METADATA } });
	const stateless = { ...headers, 'mcp-protocol-version': '2026-07-28' };
	return { headers: { ...stateless, 'mcp-method': 'x'.repeat(length) }, body };
}

const inSession = (id: string): Fuzzed => ({
	headers: { ...headers, 'mcp-session-id': id },
	body: message({ method: 'ping' }),
});

/** Each limit, with the status at the limit and the status and message above it. */
const BOUNDS: readonly (readonly [
	unit: string,
	limit: number,
	request: (size: number) => Fuzzed,
	acceptedStatus: number,
	rejectedStatus: number,
	message: RegExp,
])[] = [
	['bytes of a body', MAX_BYTES, (size) => ({ headers, body: callOf(size) }), 200, 413, /larger/],
	['levels of JSON', 128, (size) => ({ headers, body: deepCall(size) }), 200, 400, /nested/],
	[
		'characters of a session id',
		4_096,
		(size) => inSession('x'.repeat(size)),
		404,
		431,
		/session-id/,
	],
	['characters of the Mcp-Method header', 4_096, naming, 400, 431, /mcp-method/],
	[
		'characters of a message id',
		1_024,
		(size) => ({ headers, body: message({ method: 'ping', id: 'x'.repeat(size) }) }),
		200,
		400,
		/id of a message/,
	],
	[
		'characters of a subscribed uri',
		2_048,
		(size) => {
			const params = { uri: 'x'.repeat(size) };
			return { headers, body: message({ method: 'resources/subscribe', params }) };
		},
		200,
		400,
		/uri/,
	],
	[
		'characters of the params of initialize',
		16_384,
		(size) => ({ headers, body: initialize(size) }),
		200,
		400,
		/initialize/,
	],
];

describe('a request that is too large', () => {
	it.each(BOUNDS)('%s: accepts %i and rejects one more', async (...bound) => {
		const [, limit, request, acceptedStatus, rejectedStatus, errorMessage] = bound;
		for (const chunkBytes of [undefined, 60_000]) {
			const send = (size: number): ReturnType<typeof exchange> =>
				exchange(endpoint, { ...request(size), ...(chunkBytes && { chunkBytes }) });
			expect((await send(limit)).status).toBe(acceptedStatus);
			const { status, body } = await send(limit + 1);
			expect([status, body]).toEqual([rejectedStatus, expect.stringMatching(errorMessage)]);
			expect((await send(limit * 1.2)).status).toBe(rejectedStatus);
		}
		expect(endpoint.errors).toEqual([]);
	});

	it('is read no further than the limit if its chunked body never ends', async () => {
		let read = 0;
		let isCancelled = false;
		const body = new ReadableStream<Uint8Array>({
			pull(controller) {
				read += 65_536;
				controller.enqueue(new Uint8Array(65_536).fill(0x20));
			},
			cancel: () => void (isCancelled = true),
		});
		expect((await send(body)).status).toBe(413);
		// One chunk exceeds the limit, and one or two are queued.
		expect(read).toBeLessThanOrEqual(MAX_BYTES + 3 * 65_536);
		expect(isCancelled).toBe(true);
	});

	it('is not read at all if its content-length exceeds the limit', async () => {
		let isRead = false;
		const body = new ReadableStream<Uint8Array>(
			{ pull: () => void (isRead = true) },
			{ highWaterMark: 0 },
		);
		expect((await send(body, { 'content-length': String(MAX_BYTES + 1) })).status).toBe(413);
		expect(isRead).toBe(false);
	});

	async function send(
		body: ReadableStream<Uint8Array>,
		more: Readonly<Record<string, string>> = {},
	): Promise<Response> {
		const session = { 'mcp-session-id': await openSession(endpoint) };
		const authorization = headers['authorization']?.replace('{token}', TOKEN) ?? '';
		const init = { method: 'POST', headers: { ...headers, ...session, ...more, authorization } };
		return inTime(endpoint.mcp.fetch(chunkedRequest(init, body)));
	}
});
