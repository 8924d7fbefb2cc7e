import type { OAuthResourceContext } from '@cloudflare/workers-oauth-provider';
import type { ExecutionContextLike } from '@tmcp-sessions/http';
import type { AuthInfo } from 'tmcp';

/** What the consent page stores with a grant, encrypted. Every token of the grant carries it. */
export interface GrantProps {
	/** How the user signed in. */
	readonly userName: string;
}

/**
 * What tools find as `server.ctx.auth`: what the provider found in its record of the token (`auth`)
 * and what the consent page had stored (`props`). Null where the token is no user's and client's.
 */
export function authOf(context: ExecutionContextLike | undefined): AuthInfo | null {
	// Sound: only the provider calls the handler, and it sets both on what it calls it with.
	const { auth, props } = context as OAuthResourceContext<GrantProps>;
	const { token, audience, scope, expiresAt, userId, clientId } = auth;
	if (userId === undefined || clientId === undefined) return null;
	const resource = new URL(audience);
	return { token, clientId, scopes: scope, expiresAt, resource, extra: { userId, ...props } };
}

/** Whose session it is: the user's and the client's, never the token's, which is refreshed. */
export function principalOf(auth: AuthInfo | null): { subject: string; client: string } | null {
	const subject = auth?.extra?.['userId'];
	return auth && typeof subject === 'string' ? { subject, client: auth.clientId } : null;
}
