// A process of the soak over Redis: prints its port when it listens, and ends with its standard input.
import { serve } from '@hono/node-server';
import { createMcpHandler } from '@tmcp-sessions/http';
import { RedisInfoSessionManager } from '@tmcp-sessions/info-redis';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { RedisStreamSessionManager, RedisSubscriptionManager } from '@tmcp-sessions/streams-redis';
import { McpServer } from 'tmcp';
import { resource } from 'tmcp/utils';
import { resourceUris } from '../worker/publication.ts';
import type { Publication } from '../worker/publication.ts';

const server = new McpServer(
	{ name: 'soak', version: '1.0.0' },
	{ adapter: undefined, capabilities: { resources: { subscribe: true, listChanged: true } } },
);
for (const uri of resourceUris) {
	server.resource({ name: uri, description: 'Clients subscribe to it', uri }, () =>
		resource.text(uri, 'soaked'),
	);
}

/** The failures since the last publication. `send` never rejects. */
let failures: string[] = [];
const redis = connectRedis(process.env['REDIS_URL'] ?? '');
const info = new RedisInfoSessionManager(redis);
const streams = new RedisStreamSessionManager(redis, {
	// A client that was away must find everything: each gap is a fault here.
	bounds: { messages: 10_000, bytes: 64 * 1024 * 1024 },
	onError: ({ message }) => {
		console.error(message);
		if (message.includes('sending a message')) failures.push(message);
	},
});
const mcp = createMcpHandler(server, {
	path: '/mcp',
	info,
	streams,
	subscriptions: new RedisSubscriptionManager(redis),
	// Short, so that a destroyed connection is noticed soon.
	keepAliveSeconds: 1,
});

/** Publishes as the transport does. Returns the reason of a failure, or null. */
async function publish({ frame, session, uri }: Publication): Promise<string | null> {
	failures = [];
	const subscribers = uri === undefined ? undefined : await info.getSubscriptions(uri);
	// Managers know a session by its id without the MAC.
	const internalId = session?.slice(0, session.lastIndexOf('.'));
	await streams.send(internalId === undefined ? subscribers : [internalId], frame);
	return failures[0] ?? null;
}

async function respond(request: Request): Promise<Response> {
	if (new URL(request.url).pathname !== '/publish') return mcp.fetch(request);
	return Response.json(await publish(await request.json<Publication>()));
}

serve(
	{ hostname: '127.0.0.1', port: Number(process.env['PORT'] ?? 0), fetch: respond },
	({ port }) => console.log(`listening on ${port}`),
);
process.stdin.resume().on('end', () => process.exit(0));
