import { sign } from 'hono/jwt';

/**
 * A token for `wrangler dev` that is good for an hour, as an authorization server would issue one.
 *
 * @throws where there is no JWT_SECRET.
 */
export async function tokenOf(user: string, client = 'my-client'): Promise<string> {
	const secret = process.env['JWT_SECRET'] ?? '';
	if (secret === '') throw new Error('JWT_SECRET is missing: copy .dev.vars.example to .dev.vars');
	const exp = Math.floor(Date.now() / 1000) + 3600;
	const aud = 'http://localhost:8787/mcp'; // MCP_RESOURCE of wrangler.jsonc
	return sign({ sub: user, client_id: client, aud, exp }, secret, 'HS256');
}
