import { createMcpHandler } from '@modelcontextprotocol/server';
import { createConformanceServer } from './conformance-server.ts';

/** The same server behind the SDK's own handler, to compare with. */
export default createMcpHandler(createConformanceServer);
