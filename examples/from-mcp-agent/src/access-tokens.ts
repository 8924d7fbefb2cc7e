import type { OAuthHelper } from '@tmcp-sessions/http';
import { env } from 'cloudflare:workers';

/** Declares the secret of .dev.vars that this file reads. */
declare global {
	namespace Cloudflare {
		interface Env {
			readonly ACCESS_TOKENS: string;
		}
	}
}

/** Returns the user of a bearer token; undefined if it is invalid. A list is enough for a demo. */
export function userOf(request: Request): string | undefined {
	const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '') ?? [];
	// Safe because .dev.vars.example documents the format.
	const users = JSON.parse(env.ACCESS_TOKENS) as Record<string, string>;
	return Object.hasOwn(users, token) ? users[token] : undefined;
}

/** Verifies bearer tokens. */
export const accessTokens: OAuthHelper = {
	async verify(request) {
		const user = userOf(request);
		return user === undefined ? null : { token: '', clientId: user, scopes: [] };
	},
};
