import type { OAuthResourceContext } from '@cloudflare/workers-oauth-provider';
import type { ExecutionContextLike } from '@tmcp-sessions/http';
import type { AuthInfo } from 'tmcp';

/** Values that the consent page stores encrypted with a grant; every token of the grant yields them. */
export interface GrantProps {
	/** The name that the user signed in with. */
	readonly userName: string;
}

/**
 * Returns the caller that tools read as `server.ctx.auth`: the provider's record of the token (`auth`)
 * and the values that the consent page stored (`props`). Null if the token has no user or client.
 */
export function authOf(context: ExecutionContextLike | undefined): AuthInfo | null {
	// Safe because only the provider calls the handler, and it sets both on the context.
	const { auth, props } = context as OAuthResourceContext<GrantProps>;
	const { token, audience, scope, expiresAt, userId, clientId } = auth;
	if (userId === undefined || clientId === undefined) return null;
	const resource = new URL(audience);
	return { token, clientId, scopes: scope, expiresAt, resource, extra: { userId, ...props } };
}

/**
 * Returns the owner of a session: the user and the client. Never the token, which is refreshed during
 * a session.
 */
export function principalOf(auth: AuthInfo | null): { subject: string; client: string } | null {
	const subject = auth?.extra?.['userId'];
	return auth && typeof subject === 'string' ? { subject, client: auth.clientId } : null;
}
