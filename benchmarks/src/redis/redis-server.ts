import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import { RedisInfoSessionManager } from '@tmcp-sessions/info-redis';
import { UpstashInfoSessionManager } from '@tmcp-sessions/info-upstash';
import type { RedisConnection } from '@tmcp-sessions/redis';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import type { RedisTcpConnection } from '@tmcp-sessions/redis/tcp';
import { connectUpstash } from '@tmcp-sessions/redis/upstash';
import { RedisStreamSessionManager, RedisSubscriptionManager } from '@tmcp-sessions/streams-redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { McpClient } from '../client/mcp.ts';
import { createServer } from '../workers/server.ts';

/** How a process reaches Redis: over TCP, or over Upstash's REST API. */
export type RedisClientName = 'tcp' | 'upstash';

/** One server over a Redis. Several stand for several processes: each has its own connections. */
export interface RedisServer extends AsyncDisposable {
	readonly client: McpClient;
	readonly url: string;
	readonly connection: RedisConnection;
	readonly streams: RedisStreamSessionManager;
	readonly subscriptions: RedisSubscriptionManager;
}

/** The session key of all servers. */
export const KEY: string = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString(
	'base64',
);

/** Longer than a busy machine takes to open thousands of streams in one process. */
const TIMEOUT_MS = 60_000;

/** Connects to a Redis. */
export function connect(redis: RunningRedis, name: RedisClientName): RedisConnection {
	return name === 'tcp' ? connectTcp(redis) : connectUpstash({ ...redis, timeoutMs: TIMEOUT_MS });
}

/** Connects to a Redis over TCP. */
export function connectTcp({ port }: RunningRedis): RedisTcpConnection {
	return connectRedis(`redis://127.0.0.1:${port}`, { timeoutMs: TIMEOUT_MS });
}

/** Creates the info manager that belongs to a client. */
function infoOf(
	redis: RunningRedis,
	name: RedisClientName,
	connection: RedisConnection,
): StoredInfoSessionManager {
	if (name === 'tcp') return new RedisInfoSessionManager(connection);
	const { url, token } = redis;
	const env = { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token };
	return UpstashInfoSessionManager.fromEnv({ env });
}

/**
 * Serves the benchmarked server over a Redis.
 *
 * @param isInfoOnly streams are in memory, so that Redis has the metadata alone.
 */
export async function serveOverRedis(
	redis: RunningRedis,
	name: RedisClientName,
	{ isInfoOnly = false } = {},
): Promise<RedisServer> {
	const connection = connect(redis, name);
	const streams = new RedisStreamSessionManager(connection);
	const subscriptions = new RedisSubscriptionManager(connection);
	const handler = createMcpHandler(createServer(), {
		sessionKeys: [KEY],
		info: infoOf(redis, name, connection),
		...(!isInfoOnly && { streams, subscriptions }),
	});
	const server = createAdaptorServer({ fetch: (request) => handler.fetch(request) });
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	// Safe because a server that listens on a port has an AddressInfo.
	const { port } = server.address() as AddressInfo;
	const url = `http://127.0.0.1:${port}/mcp`;
	const client = new McpClient(url);
	return {
		client,
		url,
		connection,
		streams,
		subscriptions,
		async [Symbol.asyncDispose]() {
			client.close();
			const closed = once(server, 'close');
			server.close();
			if ('closeAllConnections' in server) server.closeAllConnections();
			await closed;
			connection.close();
		},
	};
}
