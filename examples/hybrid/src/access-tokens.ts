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

/**
 * Verifies bearer tokens against a list, which is enough for a demo. `examples/oauth` runs an
 * authorization server instead.
 */
export const accessTokens: OAuthHelper = {
	async verify(request) {
		const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '') ?? [];
		// Safe because .dev.vars.example documents the format.
		const users = JSON.parse(env.ACCESS_TOKENS) as Record<string, string>;
		const user = Object.hasOwn(users, token) ? users[token] : undefined;
		return user === undefined ? null : { token, clientId: user, scopes: [] };
	},
};
