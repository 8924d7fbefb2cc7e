import { connectRedis } from './redis-connection.ts';
import type { RedisReply } from './redis-connection.ts';
import { startRedisProcess } from './redis-process.ts';
import { startRestServer } from './rest-server.ts';
import type { RestRequest } from './rest-server.ts';

/** A Redis behind Upstash's REST protocol. */
export interface RunningRedis {
	/** What `UPSTASH_REDIS_REST_URL` would be. */
	readonly url: string;
	/** What `UPSTASH_REDIS_REST_TOKEN` would be. */
	readonly token: string;
	/** Where Redis itself listens on 127.0.0.1. */
	readonly port: number;
	/** Sends a command to Redis itself, unseen by `takeRequests`. @throws the error of Redis. */
	command(...command: string[]): Promise<RedisReply>;
	/** The HTTP requests that came in since this was last asked. */
	takeRequests(): RestRequest[];
	/** Ends all of it. Settles when process, folder and sockets are gone. */
	stop(): Promise<void>;
}

/**
 * Starts Debian's `redis-server` on a free port, empty and without persistence, and Upstash's REST
 * protocol in front of it. It ends with this process at the latest.
 *
 * @throws {TmcpSessionsError} where `redis-server` is not installed or does not start.
 */
export async function startRedis(): Promise<RunningRedis> {
	const redis = await startRedisProcess();
	const token = crypto.randomUUID();
	let requests: RestRequest[] = [];
	try {
		const connection = await connectRedis(redis.port);
		const server = await startRestServer(connection, token, (request) => requests.push(request));
		return {
			url: server.url,
			token,
			port: redis.port,
			command: (...command) => connection.send(command),
			takeRequests() {
				const taken = requests;
				requests = [];
				return taken;
			},
			async stop() {
				await server.stop();
				connection.close();
				await redis.stop();
			},
		};
	} catch (error) {
		await redis.stop();
		throw error;
	}
}
