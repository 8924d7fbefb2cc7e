import { createSessionRouter } from '@tmcp-sessions/session-object';
import { createMcpHandler } from '@tmcp-sessions/http';
import { createServer } from './server.ts';

/** Every session in an object of its own. A call without one is answered by the Worker. */
export default createSessionRouter({
	object: 'BENCHMARK_SESSION',
	stateless: createMcpHandler(createServer()),
});
