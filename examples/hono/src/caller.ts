import { verify } from 'hono/jwt';
import type { AuthInfo } from 'tmcp';

/** The secret and the variable of wrangler.jsonc that verify a token. */
export interface Env {
	readonly JWT_SECRET: string;
	readonly MCP_RESOURCE: string;
}

/** What is known of the caller: tools find it as `server.ctx.auth`. */
export interface Caller extends AuthInfo {
	readonly extra: { readonly subject: string };
}

/**
 * Whom a token was given to; null for one that is not good here.
 *
 * Tokens are JWTs with the claims of RFC 9068, signed with a shared secret. For tokens of an
 * authorization server `verifyWithJwks` of hono/jwt takes its public keys; tokens that are no JWTs
 * are looked up. Nothing but this function changes.
 *
 * @throws where the secret is missing or too short to sign with.
 */
export async function callerOfToken(token: string, env: Env): Promise<Caller | null> {
	if (env.JWT_SECRET.length < 32) throw new Error('JWT_SECRET needs at least 32 characters');
	// Whatever it throws says that the token is not good: not ours, expired, for another server.
	const claims = await verify(token, env.JWT_SECRET, {
		alg: 'HS256',
		aud: env.MCP_RESOURCE,
	}).catch(() => null);
	// hono checks what a token has; that it has them is checked here.
	if (!claims || typeof claims.exp !== 'number') return null;
	const { sub, client_id: clientId, exp: expiresAt, scope } = claims;
	if (typeof sub !== 'string' || typeof clientId !== 'string') return null;
	const scopes = typeof scope === 'string' ? scope.split(' ') : [];
	return { token, clientId, scopes, expiresAt, extra: { subject: sub } };
}

/** Whose session it is: the user's and the client's, never the token's, which is refreshed. */
export function principalOf(auth: AuthInfo | null): { subject: string; client: string } | null {
	const subject = auth?.extra?.['subject'];
	return auth && typeof subject === 'string' ? { subject, client: auth.clientId } : null;
}
