import { describe, expect, it } from 'vitest';

import type { RequestContext, RequestDetails } from '../src/request/request-context.ts';
import { transportRequest } from '../src/transport/transport-request.ts';
import { requestContext } from './request-contexts.ts';

const TEXT =
	'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay","arguments":{"to":"bob"}}}';

interface Call {
	readonly params: { readonly arguments: { to: string } };
}

function setUp(
	headers: Record<string, string> = {},
	details: RequestDetails = {},
): { context: RequestContext; request: Request } {
	const request = new Request('https://mcp.example.com/mcp?a=b', {
		method: 'POST',
		headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
		body: TEXT,
	});
	const context = requestContext(details, request);
	return { context, request };
}

describe('transportRequest', () => {
	it('forwards the URL, method, headers and body of the client', async () => {
		const { context, request } = setUp({ 'x-own': 'a' });
		const forwarded = transportRequest(context);
		expect([forwarded.url, forwarded.method]).toEqual([request.url, 'POST']);
		expect([forwarded.redirect, forwarded.bodyUsed]).toEqual([request.redirect, false]);
		expect([...forwarded.headers]).toEqual([...request.headers]);
		expect([forwarded.headers.has('x-own'), forwarded.headers.get('X-Own')]).toEqual([true, 'a']);
		expect(await forwarded.text()).toBe(TEXT);
		expect(request.bodyUsed).toBe(true);
	});

	it('hides the session id header of the client', () => {
		const session = { id: 'sealed', internalId: 'name' };
		const { context, request } = setUp({ 'mcp-session-id': 'of-the-client' }, { session });
		const forwarded = transportRequest(context);
		for (const name of ['mcp-session-id', 'Mcp-Session-Id']) {
			expect(forwarded.headers.get(name)).toBeNull();
		}
		expect(request.headers.get('mcp-session-id')).toBe('of-the-client');
	});

	it('parses a copy of a stateless message, so that tools cannot mutate the original', async () => {
		const message: unknown = JSON.parse(TEXT);
		const { context } = setUp({}, { isStateless: true, text: TEXT, message });
		const forwarded = transportRequest(context);
		expect(forwarded.headers.get('content-type')).toBe('application/json');
		// Safe because the body is TEXT.
		const call = (await forwarded.json()) as Call;
		call.params.arguments.to = 'eve';
		expect(context.message).toEqual(JSON.parse(TEXT));
	});

	it('sends a given message instead of the body', async () => {
		const { context } = setUp({}, { isStateless: true, text: TEXT, message: {} });
		const forwarded = transportRequest(context, { method: 'replacement' });
		expect(await forwarded.json()).toEqual({ method: 'replacement' });
		expect(context.message).toEqual({});
	});
});
