import { createSseHandler } from '@tmcp-sessions/http/legacy-sse';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { createServer, KEY, post, setUp, URL_OF_MCP } from './local-handler.ts';

const METHODS = ['debug', 'error', 'info', 'log', 'warn'] as const;

describe('a page', () => {
	afterEach(() => void vi.restoreAllMocks());

	it('that opens a stream before it initializes a session leaves no line in the log', async () => {
		const logged = METHODS.map((method) => vi.spyOn(console, method));
		for (const cors of [true, 'https://app.example'] as const) {
			const { errors, mcp } = setUp({ cors });
			for (const accept of ['text/event-stream', 'text/html, */*;q=0.8']) {
				const headers = { origin: 'https://app.example', accept };
				const response = await mcp.fetch(new Request(URL_OF_MCP, { headers }));
				expect([response.status, await response.json()]).toMatchObject([
					400,
					{ error: { message: expect.stringMatching(/Mcp-Session-Id.*initialize/) } },
				]);
				expect(response.headers.get('access-control-allow-origin')).not.toBeNull();
			}
			expect(errors).toEqual([]);
		}
		expect(logged.flatMap(({ mock }) => mock.calls)).toEqual([]);
	});

	it('reads the header that a helper for OAuth has set, and those of the handler', async () => {
		const { mcp } = setUp({
			cors: 'https://app.example',
			principal: () => 'alice',
			oauth: {
				verify: async () => null,
				respond: async () =>
					new Response(null, { headers: { 'access-control-allow-origin': 'own' } }),
			},
		});
		const request = post({ id: 1, method: 'ping' });
		request.headers.set('origin', 'https://app.example');
		const { headers } = await mcp.fetch(request);
		expect(headers.get('access-control-allow-origin')).toBe('own');
		expect(headers.get('access-control-expose-headers')).toContain('Mcp-Session-Id');
	});

	it.each([
		[{ origin: 'https://app.example', credentials: true }],
		[false],
		['*'],
		[['https://app.example', '']],
	])('is not described by the cors option %j, which is rejected at construction', (cors) => {
		const options = { cors, sessionKeys: [KEY] } as object;
		const message = 'cors must be true, or hold origins such as https://app.example.com';
		expect(() => setUp(options)).toThrow(message);
		expect(() => createSseHandler(createServer(), options)).toThrow(message);
	});
});
