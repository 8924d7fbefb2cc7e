import { createMcpHandler } from '@tmcp-sessions/http';
import { createServer } from './server.ts';

/** What the handler costs, without a backend. */
export default createMcpHandler(createServer());
