import { SessionObject, createSessionRouter } from '@tmcp-sessions/session-object';
import type { SessionServer } from '@tmcp-sessions/session-object';
import { createConformanceServer } from './conformance-server.ts';

/** Runs the server in one object for all clients, session-based and stateless. */
export class ConformanceSession extends SessionObject {
	createServer(): SessionServer {
		return createConformanceServer();
	}
}

export default createSessionRouter({
	object: 'CONFORMANCE',
	identify: () => ({ workspaceId: 'conformance', clientId: 'suites' }),
});
