// A server process: prints its port when it listens, and ends with its standard input.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { serve } from '@hono/node-server';
import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import { RedisInfoSessionManager } from '@tmcp-sessions/info-redis';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { RedisStreamSessionManager, RedisSubscriptionManager } from '@tmcp-sessions/streams-redis';
import { InMemoryStreamSessionManager } from '@tmcp/session-manager';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import * as v from 'valibot';

/** More than a second in all: only the events of such a call have ids. */
const STEPS = 12;
const STEP_MS = 150;
const { REDIS_URL, REDIS_CLUSTER } = process.env;

const server = new McpServer(
	{ name: 'benchmark', version: '1.0.0' },
	{
		adapter: new ValibotJsonSchemaAdapter(),
		capabilities: { logging: {}, tools: { listChanged: true } },
	},
);
server.tool({ name: 'ask', description: 'Asks the user' }, async () => {
	const { content } = await server.elicitation('Sure?', v.object({ sure: v.boolean() }));
	return tool.text(`answered ${content?.sure}`);
});
server.tool({ name: 'count', description: 'Counts slowly' }, async () => {
	for (let count = 1; count <= STEPS; count++) {
		server.progress(count, STEPS);
		await new Promise((resolve) => setTimeout(resolve, STEP_MS));
	}
	return tool.text('counted');
});
let cancelled = 0;
server.tool({ name: 'wait', description: 'Waits to be cancelled' }, async () => {
	const { signal } = server.ctx;
	await new Promise((resolve) => signal?.addEventListener('abort', resolve));
	cancelled += 1;
	return tool.text('cancelled');
});

/** Returns managers over Redis, or in memory if it has no variable. */
function createManagers() {
	const urls = REDIS_CLUSTER === undefined ? REDIS_URL : REDIS_CLUSTER.split(',');
	if (urls === undefined) {
		const info = new StoredInfoSessionManager(new InMemorySessionStore());
		return { info, streams: new InMemoryStreamSessionManager() };
	}
	const redis = connectRedis(urls);
	return {
		info: new RedisInfoSessionManager(redis),
		streams: new RedisStreamSessionManager(redis),
		subscriptions: new RedisSubscriptionManager(redis),
	};
}

const mcp = createMcpHandler(server, createManagers());

setFlagsFromString('--expose-gc');
// Safe because the flag defines it.
const collectGarbage = runInNewContext('gc') as () => void;

/** Returns the memory of this process after a collection. */
function readMemory(): { heap: number; resident: number } {
	collectGarbage();
	const { arrayBuffers, external, heapUsed, rss } = process.memoryUsage();
	return { heap: heapUsed + external + arrayBuffers, resident: rss };
}

async function respond(request: Request): Promise<Response> {
	const { pathname } = new URL(request.url);
	if (pathname === '/memory') return Response.json(readMemory());
	if (pathname === '/cancelled') return Response.json(cancelled);
	return mcp.fetch(request);
}

serve({ hostname: '127.0.0.1', port: 0, fetch: respond }, ({ port }) =>
	console.log(`listening on ${port}`),
);
process.stdin.resume().on('end', () => process.exit(0));
