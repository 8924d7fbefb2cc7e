import { StoredInfoSessionManager, InMemorySessionStore } from '@tmcp-sessions/core';
import type { McpHandler, McpHandlerOptions } from '@tmcp-sessions/http';
import { createSseHandler } from '@tmcp-sessions/http/legacy-sse';
import { describe, expect, it } from 'vitest';

import { createServer, KEY, open, setUp, URL_OF_MCP } from './local-handler.ts';

const HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

/** Opens an address as a browser does. */
async function visit(
	mcp: McpHandler,
	address = URL_OF_MCP,
	headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; headers: Headers; text: string }> {
	const response = await mcp.fetch(new Request(address, { headers: { accept: HTML, ...headers } }));
	return { status: response.status, headers: response.headers, text: await response.text() };
}

/** An info manager whose store rejects every operation. */
function unreadable(): StoredInfoSessionManager {
	const reject = (): never => expect.fail('the storage was used');
	const store = new InMemorySessionStore();
	return new StoredInfoSessionManager(Object.assign(store, { read: reject, create: reject }));
}

const authorized: McpHandlerOptions = {
	principal: () => null,
	oauth: { verify: () => expect.fail('the caller was authenticated') },
};

const BEARER = ' --header "Authorization: Bearer <token>"';

describe('a browser that opens the endpoint', () => {
	it.each([
		['sessions', {}, ''],
		['callers that need a token', authorized, BEARER],
	])(
		'gets a text that says how to connect, without storage, from a server with %s',
		async (_, options, header) => {
			const { errors, mcp } = setUp({ info: unreadable(), ...options });
			const { headers, status, text } = await visit(mcp);
			expect(status).toBe(406);
			expect(headers.get('content-type')).toBe('text/plain;charset=UTF-8');
			expect(text).toContain('This is the endpoint of an MCP server');
			expect(text).toContain(`claude mcp add --transport http my-server ${URL_OF_MCP}${header}\n`);
			expect(text).toContain(
				`npx -y @modelcontextprotocol/inspector --cli ${URL_OF_MCP} --transport http${header} --method`,
			);
			expect(text.includes('Leave --header out')).toBe(header !== '');
			expect(errors).toEqual([]);
		},
	);

	it('gets the allowed methods too if there are no streams', async () => {
		const { headers, status, text } = await visit(setUp({ info: undefined }).mcp);
		expect([status, headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
		expect(text).toContain(URL_OF_MCP);
	});

	it('gets the address of the endpoint at another path', async () => {
		const { status, text } = await visit(setUp().mcp, 'https://example.com/');
		expect(status).toBe(404);
		expect(text).toMatch(/^Not found: the MCP endpoint is \/mcp\n/);
		expect(text).toContain(`claude mcp add --transport http my-server ${URL_OF_MCP}\n`);
	});

	it('gets commands with a header at another path, and of legacy SSE, if callers need a token', async () => {
		const elsewhere = await visit(setUp(authorized).mcp, 'https://example.com/');
		expect(elsewhere.text).toContain(`my-server ${URL_OF_MCP}${BEARER}\n`);
		const sse = createSseHandler(createServer(), { sessionKeys: [KEY], principal: () => null });
		for (const path of ['/sse', '/']) {
			const { text } = await visit(sse, `https://example.com${path}`);
			expect(text).toContain(`my-server https://example.com/sse${BEARER}\n`);
		}
	});

	it('gets no text on a host that is not allowed', async () => {
		const { status, text } = await visit(setUp().mcp, 'http://evil.example/mcp');
		expect(status).toBe(403);
		expect(text).not.toContain('claude');
	});

	it('gets the same for legacy SSE, and opens no stream', async () => {
		const sse = createSseHandler(createServer(), { sessionKeys: [KEY] });
		const { status, text } = await visit(sse, 'https://example.com/sse');
		expect(status).toBe(406);
		expect(text).toContain('claude mcp add --transport sse my-server https://example.com/sse\n');
		const other = await visit(sse, 'https://example.com/');
		expect(other.text).toContain('--transport sse my-server https://example.com/sse\n');
	});
});

describe('a client that also accepts HTML', () => {
	it.each([{ accept: `${HTML},text/event-stream` }, { origin: 'https://example.com' }])(
		'is answered as a client: %j',
		async (headers) => {
			const { status, text } = await visit(setUp().mcp, URL_OF_MCP, headers);
			expect(status).toBe(400);
			expect(text).toContain('Mcp-Session-Id');
		},
	);

	it('gets its stream if it names its session', async () => {
		const { mcp } = setUp();
		const headers = { accept: HTML, 'mcp-session-id': await open(mcp) };
		const stream = await mcp.fetch(new Request(URL_OF_MCP, { headers }));
		expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
		await stream.body?.cancel();
	});
});
