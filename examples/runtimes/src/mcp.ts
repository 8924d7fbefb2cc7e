import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { SealedInfoSessionManager } from '@tmcp-sessions/info-sealed';
import { UpstashInfoSessionManager } from '@tmcp-sessions/info-upstash';
import { connectUpstash } from '@tmcp-sessions/redis/upstash';
import { RedisStreamSessionManager, RedisSubscriptionManager } from '@tmcp-sessions/streams-redis';
import { createNotesServer } from './notes-server.ts';

/** A little less than the `maxDuration` of `app/mcp/route.ts`, after which Vercel ends a request. */
const VERCEL_STREAM_SECONDS = 290;

let handler: McpHandler | undefined;

/** The handler, the same on each runtime. `fetch` needs no `this`. */
export const mcp: McpHandler = {
	fetch: async (request, env, context) => {
		try {
			handler ??= createHandler();
		} catch (error) {
			console.error(error);
			return new Response('The server is not configured: see its log\n', { status: 500 });
		}
		return handler.fetch(request, env, context);
	},
};

/**
 * Creates the handler. Called by the first request: `next build` imports this module without the
 * variables. Without a database the server offers neither log levels nor resource subscriptions, which
 * are mutable session state, and streams are in the memory of each process.
 *
 * @throws if a variable is missing or invalid.
 */
function createHandler(): McpHandler {
	const { TMCP_SESSION_KEYS, UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } = process.env;
	if (!TMCP_SESSION_KEYS) {
		throw new Error('Set TMCP_SESSION_KEYS to the output of: openssl rand -base64 32');
	}
	const keys = [TMCP_SESSION_KEYS];
	if (!(UPSTASH_REDIS_REST_URL ?? UPSTASH_REDIS_REST_TOKEN)) {
		return createMcpHandler(createNotesServer(), { info: new SealedInfoSessionManager({ keys }) });
	}
	const rest = UpstashInfoSessionManager.fromEnv();
	const redis = connectUpstash({
		url: UPSTASH_REDIS_REST_URL ?? '',
		token: UPSTASH_REDIS_REST_TOKEN ?? '',
	});
	const maxStreamSeconds = process.env['VERCEL'] ? VERCEL_STREAM_SECONDS : undefined;
	return createMcpHandler(createNotesServer(), {
		info: new SealedInfoSessionManager({ keys, rest }),
		streams: new RedisStreamSessionManager(redis, { maxStreamSeconds }),
		subscriptions: new RedisSubscriptionManager(redis, { maxStreamSeconds }),
	});
}
