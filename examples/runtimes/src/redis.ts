import { createMcpHandler } from '@tmcp-sessions/http';
import type { McpHandler } from '@tmcp-sessions/http';
import { RedisInfoSessionManager } from '@tmcp-sessions/info-redis';
import { connectRedis } from '@tmcp-sessions/redis/tcp';
import { RedisStreamSessionManager, RedisSubscriptionManager } from '@tmcp-sessions/streams-redis';
import { currentTask } from '@tmcp-sessions/tasks';
import { RedisTasks } from '@tmcp-sessions/tasks-redis';
import { tool } from 'tmcp/utils';
import { createNotesServer } from './notes-server.ts';

const server = createNotesServer();
server.tool({ name: 'report', description: 'Counts the notes, in two steps' }, async () => {
	const read = await currentTask().step('read', () => 2);
	await currentTask().sleep(200);
	const written = await currentTask().step('write', () => read + 1);
	return tool.text(`${written} notes`);
});

let handler: McpHandler | undefined;

/** The handler over TCP, with tasks, for processes that live on. It connects at the first request. */
export const mcp: McpHandler = {
	fetch: async (request, env, context) => {
		handler ??= createHandler();
		return handler.fetch(request, env, context);
	},
};

function createHandler(): McpHandler {
	const redis = connectRedis(process.env['REDIS_URL'] ?? '');
	return createMcpHandler(server, {
		info: new RedisInfoSessionManager(redis),
		streams: new RedisStreamSessionManager(redis),
		subscriptions: new RedisSubscriptionManager(redis),
		tasks: new RedisTasks(redis, { tools: { report: { ttlSeconds: 3600, pollSeconds: 0.1 } } }),
		// The tasks of a client belong to its principal. Authenticate it in a real server.
		principal: () => 'everyone',
	});
}
