import { HttpTransport } from '@tmcp/transport-http';
import { createServer } from './server.ts';
import { serve } from './serve-transport.ts';

/** tmcp as it is, its managers in memory. */
export default serve(() => new HttpTransport(createServer(), { path: '/mcp' }));
