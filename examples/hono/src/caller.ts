import { verify } from 'hono/jwt';
import type { AuthInfo } from 'tmcp';

/** The secret and the variable of wrangler.jsonc that verify a token. */
export interface Env {
	readonly JWT_SECRET: string;
	readonly MCP_RESOURCE: string;
}

/** The authenticated caller; tools read it as `server.ctx.auth`. */
export interface Caller extends AuthInfo {
	readonly extra: { readonly subject: string };
}

/**
 * Returns the caller of a token, or null if the token is invalid for this server.
 *
 * Tokens are JWTs with the claims of [RFC 9068](https://www.rfc-editor.org/rfc/rfc9068), signed with
 * a shared secret. To accept tokens of an authorization server, verify them here with
 * `verifyWithJwks` of hono/jwt, or look opaque tokens up.
 *
 * @throws if the secret is missing or too short.
 */
export async function callerOfToken(token: string, env: Env): Promise<Caller | null> {
	if (env.JWT_SECRET.length < 32) throw new Error('JWT_SECRET must have at least 32 characters');
	// `verify` throws only for an invalid token: bad signature, expired, or wrong audience.
	const claims = await verify(token, env.JWT_SECRET, {
		alg: 'HS256',
		aud: env.MCP_RESOURCE,
	}).catch(() => null);
	// hono verifies the claims that are present; require those that must be.
	if (!claims || typeof claims.exp !== 'number') return null;
	const { sub, client_id: clientId, exp: expiresAt, scope } = claims;
	if (typeof sub !== 'string' || typeof clientId !== 'string') return null;
	const scopes = typeof scope === 'string' ? scope.split(' ') : [];
	return { token, clientId, scopes, expiresAt, extra: { subject: sub } };
}

/**
 * Returns the owner of a session: the user and the client. Never the token, which is refreshed during
 * a session.
 */
export function principalOf(auth: AuthInfo | null): { subject: string; client: string } | null {
	const subject = auth?.extra?.['subject'];
	return auth && typeof subject === 'string' ? { subject, client: auth.clientId } : null;
}
