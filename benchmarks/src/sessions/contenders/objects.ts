import { SessionObject } from '@tmcp-sessions/session-object';
import type { SessionServer } from '@tmcp-sessions/session-object';

import { createServer } from '../../contenders/server.ts';

export { BareObject } from '../../contenders/bare-object.ts';
export { McpAgentObject } from '../../contenders/mcp-agent-object.ts';

/** The whole server in the session's object. */
export class MeasuredSession extends SessionObject {
	createServer(): SessionServer {
		return createServer();
	}
}

export default { fetch: (): Response => new Response('Not found', { status: 404 }) };
