import { createMcpHandler } from '@modelcontextprotocol/server';
import { createSdkServer } from './sdk-server.ts';

const handler = createMcpHandler(createSdkServer);

/** `createMcpHandler` of the official SDK: a server for each request, and no sessions. */
export default {
	fetch: (request: Request): Promise<Response> => handler.fetch(request),
};
