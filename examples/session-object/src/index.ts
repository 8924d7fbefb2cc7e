import { createSessionRouter } from '@tmcp-sessions/session-object';
import { createLegacySse } from '@tmcp-sessions/http/legacy-sse';

import { accessTokens } from './access-tokens.ts';

export { Notes } from './notes.ts';

export default createSessionRouter({
	object: 'NOTES',
	oauth: accessTokens,
	identify: (_request, auth) =>
		auth && { workspaceId: String(auth.extra?.['workspace']), clientId: auth.clientId },
	// Serves clients of the legacy SSE transport, at /sse and /messages.
	sse: createLegacySse(),
});
