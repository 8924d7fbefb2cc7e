import { SessionObject, createSessionRouter } from '@tmcp-sessions/session-object';
import type { SessionServer } from '@tmcp-sessions/session-object';
import { createConformanceServer } from './conformance-server.ts';

/** The whole server in one object: it serves both eras, and clients that nobody tells apart. */
export class ConformanceSession extends SessionObject {
	createServer(): SessionServer {
		return createConformanceServer();
	}
}

export default createSessionRouter({
	object: 'CONFORMANCE',
	identify: () => ({ workspaceId: 'conformance', clientId: 'suites' }),
});
