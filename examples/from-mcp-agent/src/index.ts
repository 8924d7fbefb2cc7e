import { createSessionRouter } from '@tmcp-sessions/session-object';

import { accessTokens } from './access-tokens.ts';
import { handOverOldSession, retireBatch } from './old-objects.ts';
import { identityOf } from './retired-agent.ts';

export { CounterSession } from './counter-session.ts';
export { RetiredAgent as Counter } from './retired-agent.ts';

const router = createSessionRouter({
	object: 'SESSIONS',
	oauth: accessTokens,
	identify: (_request, auth) => auth && identityOf(auth.clientId),
});

export default {
	async fetch(request, env, context) {
		if (new URL(request.url).pathname === '/old-objects') return retireBatch(request);
		await handOverOldSession(request);
		// The old session is unknown here: the client opens a new one, whose tools have its state.
		return router.fetch(request, env, context);
	},
} satisfies ExportedHandler<Cloudflare.Env>;
