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
): { work: RequestContext; request: Request } {
	const request = new Request('https://mcp.example.com/mcp?a=b', {
		method: 'POST',
		headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
		body: TEXT,
	});
	const work = requestContext(details, request.headers);
	return { work, request };
}

describe('the request that a transport gets', () => {
	it('is the client’s, with every member that a request has', async () => {
		const { work, request } = setUp({ 'x-own': 'a' });
		const seen = transportRequest(request, work);
		expect([seen.url, seen.method]).toEqual([request.url, 'POST']);
		expect([seen.redirect, seen.bodyUsed]).toEqual([request.redirect, false]);
		expect([...seen.headers]).toEqual([...request.headers]);
		expect([seen.headers.has('x-own'), seen.headers.get('X-Own')]).toEqual([true, 'a']);
		expect(await seen.text()).toBe(TEXT);
		expect(request.bodyUsed).toBe(true);
	});

	it('has the session that was found, and not the one that the client names', () => {
		const session = { id: 'sealed', internalId: 'name' };
		const { work, request } = setUp({ 'mcp-session-id': 'of-the-client' }, { session });
		const seen = transportRequest(request, work);
		for (const name of ['mcp-session-id', 'Mcp-Session-Id']) {
			expect(seen.headers.get(name)).toBeNull();
		}
		expect(request.headers.get('mcp-session-id')).toBe('of-the-client');
	});

	it('of the stateless era has a message that a tool may change: what the client sent stays', async () => {
		const message: unknown = JSON.parse(TEXT);
		const { work, request } = setUp({}, { isStateless: true, text: TEXT, message });
		const seen = transportRequest(request, work);
		expect(seen.headers.get('content-type')).toBe('application/json');
		// Sound: the text above.
		const call = (await seen.json()) as Call;
		call.params.arguments.to = 'eve';
		expect(work.message).toEqual(JSON.parse(TEXT));
	});

	it('has a message that was made here', async () => {
		const { work, request } = setUp({}, { isStateless: true, text: TEXT, message: {} });
		const seen = transportRequest(request, work, { method: 'made here' });
		expect(await seen.json()).toEqual({ method: 'made here' });
		expect(work.message).toEqual({});
	});
});
