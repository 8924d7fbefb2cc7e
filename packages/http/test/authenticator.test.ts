import type { McpHandlerOptions } from '@tmcp-sessions/http';
import { describe, expect, it } from 'vitest';
import { INITIALIZE, post, setUp, URL_OF_MCP } from './local-handler.ts';

function verifying(verify: () => unknown, challenge?: string): McpHandlerOptions {
	return {
		oauth: {
			// Safe because the handler must cope with any value that a verifier returns.
			verify: async () => verify() as never,
			...(challenge !== undefined && { challenge: () => challenge }),
		},
		principal: (_request, auth) => auth?.clientId ?? null,
	};
}

const token = { token: 'a secret token', clientId: 'client', scopes: [] };
const inSeconds = (seconds: number): number => Date.now() / 1000 + seconds;

describe('request authentication', () => {
	it('L23 request-authentication: rejects an unauthenticated request with 401 and the configured challenge', async () => {
		const challenge = 'Bearer resource_metadata="https://example.com/meta"';
		const { mcp, errors } = setUp(verifying(() => null, challenge));
		const response = await mcp.fetch(post(INITIALIZE));
		expect(response.status).toBe(401);
		expect(response.headers.get('www-authenticate')).toBe(challenge);
		expect(errors).toEqual([]);
	});

	it.each([
		['invalid_token', 401],
		['insufficient_scope', 403],
	])(
		'L23 request-authentication: turns the verifier error %s into a %i without reporting it to onError',
		async (code, status) => {
			const reject = (): never => {
				throw Object.assign(new Error('a secret token is bad'), { errorCode: code });
			};
			const { mcp, errors } = setUp(verifying(reject));
			const response = await mcp.fetch(post(INITIALIZE));
			expect(response.status).toBe(status);
			expect(response.headers.get('www-authenticate')).toBe(`Bearer error="${code}"`);
			expect(await response.text()).not.toContain('secret');
			expect(errors).toEqual([]);
		},
	);

	it('L23 request-authentication: rejects an expired token with 401 even if the verifier accepts it', async () => {
		const { mcp } = setUp(verifying(() => ({ ...token, expiresAt: inSeconds(-1) })));
		const response = await mcp.fetch(post(INITIALIZE));
		expect(response.status).toBe(401);
		expect(response.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
	});

	it('responds 500 if the verifier throws, and reports the error to onError', async () => {
		const fail = (): never => {
			throw new Error('the verifier broke');
		};
		const { mcp, errors } = setUp(verifying(fail));
		expect((await mcp.fetch(post(INITIALIZE))).status).toBe(500);
		expect(errors.map(({ message }) => message)).toEqual(['the verifier broke']);
	});

	it('keeps the error of the verifier off Workers, where a proxy may name this machine', async () => {
		const fail = (): never => {
			throw new Error('the verifier broke');
		};
		const { mcp } = setUp(verifying(fail));
		const response = await mcp.fetch(new Request('http://localhost:8787/mcp', post(INITIALIZE)));
		expect(response.status).toBe(500);
		expect(await response.text()).not.toContain('broke');
	});

	it('L23 request-authentication: ends a GET stream when its token expires', async () => {
		const { mcp } = setUp(verifying(() => ({ ...token, expiresAt: inSeconds(0.3) })));
		const opened = await mcp.fetch(post(INITIALIZE));
		await opened.text();
		const session = opened.headers.get('mcp-session-id') ?? '';
		const stream = await mcp.fetch(
			new Request(URL_OF_MCP, { headers: { 'mcp-session-id': session } }),
		);
		expect(stream.status).toBe(200);
		const start = performance.now();
		expect(await stream.text()).not.toContain('retry');
		expect(performance.now() - start).toBeLessThan(2_000);
	}, 5_000);

	it('L12 priming-event: tells a client of 2025-11-25 when to come back before its token ends a GET stream', async () => {
		const { mcp } = setUp(verifying(() => ({ ...token, expiresAt: inSeconds(0.3) })));
		const opened = await mcp.fetch(post(INITIALIZE));
		await opened.text();
		const session = opened.headers.get('mcp-session-id') ?? '';
		const headers = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' };
		const stream = await mcp.fetch(new Request(URL_OF_MCP, { headers }));
		expect(await stream.text()).toMatch(
			/^id: \S+\ndata:\n\n: connected\n(?:: .*\n)*retry: \d+\n\n$/,
		);
	}, 5_000);

	it('throws at construction if oauth is set without principal', () => {
		expect(() => setUp({ oauth: { verify: async () => null } })).toThrow('oauth needs principal');
	});
});
