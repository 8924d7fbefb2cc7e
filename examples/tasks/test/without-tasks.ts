import { createMcpHandler } from '@tmcp-sessions/http';
import { createReportServer } from '../src/report-server.ts';

/** The same server without tasks. */
export default createMcpHandler(createReportServer());
