import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { SealedInfoSessionManager } from '@tmcp-sessions/info-sealed';
import { UpstashInfoSessionManager } from '@tmcp-sessions/info-upstash';
import { createNotesServer } from './notes-server.ts';

const { TMCP_SESSION_KEYS, UPSTASH_REDIS_REST_URL } = process.env;

/**
 * The handler, the same on each runtime. Without a database the server offers neither log levels nor
 * subscriptions, which are mutable session state.
 */
export const mcp: McpHandler = createMcpHandler(createNotesServer(), {
	info: new SealedInfoSessionManager({
		keys: [TMCP_SESSION_KEYS],
		rest: UPSTASH_REDIS_REST_URL ? UpstashInfoSessionManager.fromEnv() : undefined,
	}),
});
