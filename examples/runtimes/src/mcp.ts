import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { SealedInfoSessionManager } from '@tmcp-sessions/info-sealed';
import { UpstashInfoSessionManager } from '@tmcp-sessions/info-upstash';
import { createNotesServer } from './notes-server.ts';

const { TMCP_SESSION_KEYS, UPSTASH_REDIS_REST_URL } = process.env;

/** The same on each runtime. Without a database, what would change in a session is not offered. */
export const mcp: McpHandler = createMcpHandler(createNotesServer(), {
	info: new SealedInfoSessionManager({
		keys: [TMCP_SESSION_KEYS],
		rest: UPSTASH_REDIS_REST_URL ? UpstashInfoSessionManager.fromEnv() : undefined,
	}),
});
