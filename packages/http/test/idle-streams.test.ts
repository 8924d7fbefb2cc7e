import { describe, expect, it } from 'vitest';

import { open, post, setUp, URL_OF_MCP } from './local-handler.ts';

type Mcp = ReturnType<typeof setUp>['mcp'];

/** Opens a stream, and waits for its first frame. Collects the promises that its request passes to `waitUntil`. */
async function openStream(
	mcp: Mcp,
	session: string,
): Promise<{
	reader: ReadableStreamDefaultReader<Uint8Array>;
	promises: Promise<unknown>[];
}> {
	const promises: Promise<unknown>[] = [];
	const waitUntil = (promise: Promise<unknown>): void => void promises.push(promise);
	const headers = { accept: 'text/event-stream', 'mcp-session-id': session };
	const { status, body } = await mcp.fetch(new Request(URL_OF_MCP, { headers }), {}, { waitUntil });
	if (status !== 200 || !body) throw new Error(`expected a stream; found ${status}`);
	const reader = body.getReader();
	await reader.read();
	return { reader, promises };
}

/** Counts the reads of a request's signal. */
function countSignalReads(request: Request): { request: Request; reads: () => number } {
	let reads = 0;
	const { signal } = request;
	Object.defineProperty(request, 'signal', {
		get() {
			reads += 1;
			return signal;
		},
	});
	return { request, reads: () => reads };
}

describe('an idle stream of a session', () => {
	it('is in no promise of waitUntil until its client leaves', async () => {
		const { mcp, errors } = setUp();
		const { reader, promises } = await openStream(mcp, await open(mcp));
		// None of them waits for the end of the stream.
		await Promise.all(promises);
		const opened = promises.length;

		await reader.cancel();
		expect(promises.length).toBeGreaterThan(opened);
		await Promise.all(promises);
		expect(errors).toEqual([]);
	});

	it('does not read the signal of its request, as a stateless message does', async () => {
		const { mcp } = setUp();
		const headers = { accept: 'text/event-stream', 'mcp-session-id': await open(mcp) };
		const get = countSignalReads(new Request(URL_OF_MCP, { headers }));
		const { body } = await mcp.fetch(get.request);
		await body?.cancel();
		expect(get.reads()).toBe(0);

		const listen = countSignalReads(listenRequest());
		const listening = await mcp.fetch(listen.request);
		await listening.body?.cancel();
		expect(listen.reads()).toBeGreaterThan(0);
	});
});

/** Creates the request of a stateless subscription. */
function listenRequest(): Request {
	const version = '2026-07-28';
	const _meta = {
		'io.modelcontextprotocol/protocolVersion': version,
		'io.modelcontextprotocol/clientCapabilities': {},
		'io.modelcontextprotocol/clientInfo': { name: 'client', version: '1.0.0' },
	};
	const params = { notifications: { toolsListChanged: true }, _meta };
	const accept = 'application/json, text/event-stream';
	const request = post({ id: 1, method: 'subscriptions/listen', params }, undefined, accept);
	request.headers.set('mcp-protocol-version', version);
	request.headers.set('mcp-method', 'subscriptions/listen');
	return request;
}
