import type { McpHandlerOptions } from '@tmcp-sessions/http';
import { describe, expect, it } from 'vitest';
import { INITIALIZE, post, setUp, URL_OF_MCP } from './local-handler.ts';

function verifying(verify: () => unknown, challenge?: string): McpHandlerOptions {
	return {
		oauth: {
			// Sound: what the tests make up here is what is tested.
			verify: async () => verify() as never,
			...(challenge !== undefined && { challenge: () => challenge }),
		},
		principal: (_request, auth) => auth?.clientId ?? null,
	};
}

const token = { token: 'a secret token', clientId: 'client', scopes: [] };
const inSeconds = (seconds: number): number => Date.now() / 1000 + seconds;

describe('a caller', () => {
	it('L23 request-authentication: who is nobody gets a 401 that says where to get a token', async () => {
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
		'L23 request-authentication: whose token is refused with %s gets a %i, and onError is not told',
		async (code, status) => {
			const refuse = (): never => {
				throw Object.assign(new Error('a secret token is bad'), { errorCode: code });
			};
			const { mcp, errors } = setUp(verifying(refuse));
			const response = await mcp.fetch(post(INITIALIZE));
			expect(response.status).toBe(status);
			expect(response.headers.get('www-authenticate')).toBe(`Bearer error="${code}"`);
			expect(await response.text()).not.toContain('secret');
			expect(errors).toEqual([]);
		},
	);

	it('L23 request-authentication: whose token has expired gets a 401, whatever the verifier thinks', async () => {
		const { mcp } = setUp(verifying(() => ({ ...token, expiresAt: inSeconds(-1) })));
		const response = await mcp.fetch(post(INITIALIZE));
		expect(response.status).toBe(401);
		expect(response.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
	});

	it('whose verifier breaks gets a 500, and onError is told', async () => {
		const broken = (): never => {
			throw new Error('the verifier broke');
		};
		const { mcp, errors } = setUp(verifying(broken));
		expect((await mcp.fetch(post(INITIALIZE))).status).toBe(500);
		expect(errors.map(({ message }) => message)).toEqual(['the verifier broke']);
	});

	it('L23 request-authentication: listens until the token expires, and not longer', async () => {
		const { mcp } = setUp(verifying(() => ({ ...token, expiresAt: inSeconds(0.3) })));
		const opened = await mcp.fetch(post(INITIALIZE));
		await opened.text();
		const session = opened.headers.get('mcp-session-id') ?? '';
		const stream = await mcp.fetch(
			new Request(URL_OF_MCP, { headers: { 'mcp-session-id': session } }),
		);
		expect(stream.status).toBe(200);
		const start = performance.now();
		await stream.text();
		expect(performance.now() - start).toBeLessThan(2_000);
	}, 5_000);

	it('needs to be told apart: oauth without principal is refused at the start', () => {
		expect(() => setUp({ oauth: { verify: async () => null } })).toThrow('oauth needs principal');
	});
});
