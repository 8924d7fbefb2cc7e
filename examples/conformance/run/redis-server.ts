// A process of the deployment over Redis: prints its port when it listens, and ends with its standard input.
import { serve } from '@hono/node-server';
import { createMcpHandler } from '@tmcp-sessions/http';
import { RedisInfoSessionManager } from '@tmcp-sessions/info-redis';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { RedisStreamSessionManager, RedisSubscriptionManager } from '@tmcp-sessions/streams-redis';
import { RedisTasks } from '@tmcp-sessions/tasks-redis';
import { createConformanceServer } from '../src/conformance-server.ts';
import { addTaskFixtures } from '../src/task-fixtures.ts';
import { taskTools } from '../src/task-tools.ts';

const redis = connectRedis(process.env['REDIS_URL'] ?? '');
const server = createConformanceServer();
addTaskFixtures(server);
const mcp = createMcpHandler(server, {
	info: new RedisInfoSessionManager(redis),
	streams: new RedisStreamSessionManager(redis),
	subscriptions: new RedisSubscriptionManager(redis),
	tasks: new RedisTasks(redis, { tools: taskTools }),
});

serve({ port: 0, fetch: (request) => mcp.fetch(request) }, ({ port }) => {
	console.log(`listening on ${port}`);
});
process.stdin.resume().on('end', () => process.exit(0));
