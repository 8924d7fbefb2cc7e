// A process of the deployment over Redis: prints its port when it listens, and ends with its standard input.
import { serve } from '@hono/node-server';
import { createMcpHandler, createRequestStateCodec } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { createRedisSessionStore, RedisInfoSessionManager } from '@tmcp-sessions/info-redis';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { RedisStreamSessionManager, RedisSubscriptionManager } from '@tmcp-sessions/streams-redis';

import { createTestServer } from '../fixture/server.ts';
import { withSubscriptionCount } from '../fixture/subscription-count.ts';
import { variants } from '../fixture/variants.ts';
import type { Variant } from '../fixture/variants.ts';

interface Endpoint {
	readonly mcp: McpHandler;
	countSubscriptions(): number;
	endSubscriptions(): Promise<void>;
}

const redis = connectRedis(process.env['REDIS_URL'] ?? '');
const claims = createRedisSessionStore(redis);
const endpoints = new Map<string, Endpoint>();

async function leaveNote(name: string, text: string): Promise<void> {
	await redis.evaluate(`redis.call('SET', KEYS[1], ARGV[1])`, [`{notes}:${name}`], [text]);
}

function createEndpoint(path: string, variant: Variant): Endpoint {
	const { lifetime, state, ...options } = variant;
	const codec =
		state &&
		createRequestStateCodec({
			keys: [process.env['TMCP_SESSION_KEYS'] ?? ''],
			lifetimeSeconds: state.lifetimeSeconds,
			singleUse: state.isSingleUse ? claims : undefined,
		});
	const server = createTestServer(codec, leaveNote, 'redis');
	const { subscriptions, countSubscriptions } = withSubscriptionCount(
		new RedisSubscriptionManager(redis),
	);
	const mcp = createMcpHandler(server, {
		keepAliveSeconds: 0.2,
		...options,
		path,
		info: new RedisInfoSessionManager(redis, lifetime),
		streams: new RedisStreamSessionManager(redis),
		subscriptions,
	});
	return {
		mcp,
		countSubscriptions,
		endSubscriptions: async () => subscriptions.closeAll(undefined, 'closed'),
	};
}

/** Returns the endpoint of the path `/redis/<variant>`, created by its first request. */
function endpointOf(path: string): Endpoint | undefined {
	const existing = endpoints.get(path);
	if (existing) return existing;
	const variant = variants[path.split('/')[2] ?? ''];
	if (!variant) return undefined;
	const endpoint = createEndpoint(path, variant);
	endpoints.set(path, endpoint);
	return endpoint;
}

async function respond(request: Request): Promise<Response> {
	const { pathname, searchParams } = new URL(request.url);
	if (pathname === '/note') {
		const key = `{notes}:${searchParams.get('name') ?? ''}`;
		return Response.json(await redis.evaluate(`return redis.call('GET', KEYS[1])`, [key], []));
	}
	const [, path = '', action = ''] = /^(\/[^/]+\/[^/]+)(?:\/(.*))?$/.exec(pathname) ?? [];
	const endpoint = endpointOf(path);
	if (!endpoint) return new Response(null, { status: 404 });
	if (action === 'subscriptions') return Response.json(endpoint.countSubscriptions());
	if (action === 'end-subscriptions') {
		await endpoint.endSubscriptions();
		return Response.json(null);
	}
	return endpoint.mcp.fetch(request);
}

serve({ port: 0, fetch: respond }, ({ port }) => console.log(`listening on ${port}`));
process.stdin.resume().on('end', () => process.exit(0));
