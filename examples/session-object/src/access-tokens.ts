import type { OAuthHelper } from '@tmcp-sessions/http';
import { env } from 'cloudflare:workers';

/** The secret of .dev.vars that this file reads. */
declare global {
	namespace Cloudflare {
		interface Env {
			readonly ACCESS_TOKENS: string;
		}
	}
}

interface Holder {
	readonly workspace: string;
	readonly client: string;
}

/**
 * Who calls, by the token of the request: for a demo, from a list. `examples/oauth` shows a whole
 * authorization server in its place.
 */
export const accessTokens: OAuthHelper = {
	async verify(request) {
		const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '') ?? [];
		// Sound: .dev.vars.example shows the form.
		const holders = JSON.parse(env.ACCESS_TOKENS) as Record<string, Holder>;
		const holder = Object.hasOwn(holders, token) ? holders[token] : undefined;
		if (!holder) return null;
		return { token, clientId: holder.client, scopes: [], extra: { workspace: holder.workspace } };
	},
};
