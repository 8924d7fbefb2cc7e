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

interface TokenHolder {
	readonly workspace: string;
	readonly client: string;
}

/**
 * Verifies bearer tokens against a list, which is enough for a demo. `examples/oauth` runs an
 * authorization server instead.
 */
export const accessTokens: OAuthHelper = {
	async verify(request) {
		const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '') ?? [];
		// Safe because .dev.vars.example documents the format.
		const holders = JSON.parse(env.ACCESS_TOKENS) as Record<string, TokenHolder>;
		const holder = Object.hasOwn(holders, token) ? holders[token] : undefined;
		if (!holder) return null;
		return { token, clientId: holder.client, scopes: [], extra: { workspace: holder.workspace } };
	},
};
