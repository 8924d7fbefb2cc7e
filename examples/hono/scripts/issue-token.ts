import { sign } from 'hono/jwt';

/**
 * Issues a token for `wrangler dev` that is valid for an hour. In production an authorization server
 * does this.
 *
 * @throws if JWT_SECRET is missing.
 */
export async function issueToken(user: string, client = 'my-client'): Promise<string> {
	const secret = process.env['JWT_SECRET'] ?? '';
	if (secret === '') throw new Error('JWT_SECRET is missing: copy .dev.vars.example to .dev.vars');
	const exp = Math.floor(Date.now() / 1000) + 3600;
	const aud = 'http://localhost:8787/mcp'; // MCP_RESOURCE of wrangler.jsonc
	return sign({ sub: user, client_id: client, aud, exp }, secret, 'HS256');
}
