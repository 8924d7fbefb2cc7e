import { createMcpHandler } from 'agents/mcp/server';
import { createSdkServer } from './sdk-server.ts';

const handler = createMcpHandler(createSdkServer);

/** `createMcpHandler` of agents: a server for each request, and no sessions. */
export default {
	fetch: (request: Request, env: unknown, context: ExecutionContext): Promise<Response> =>
		handler(request, env, context),
};
