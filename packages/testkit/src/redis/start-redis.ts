import { connectRedis } from './redis-connection.ts';
import type { RedisReply } from './redis-connection.ts';
import { startRedisProcess } from './redis-process.ts';
import type { RedisSettings } from './redis-process.ts';
import { startRestServer } from './rest-server.ts';
import type { RestRequest } from './rest-server.ts';

/** A Redis behind Upstash's REST protocol. */
export interface RunningRedis {
	/** The value for `UPSTASH_REDIS_REST_URL`. */
	readonly url: string;
	/** The value for `UPSTASH_REDIS_REST_TOKEN`. */
	readonly token: string;
	/** The port of Redis itself on 127.0.0.1. */
	readonly port: number;
	/** Sends a command to Redis directly, without a request. Rejects with the error of Redis. */
	command(...command: string[]): Promise<RedisReply>;
	/** Returns the HTTP requests since the last call. */
	takeRequests(): RestRequest[];
	/** Stops Redis and the server. Resolves after process, directory and sockets are gone. */
	stop(): Promise<void>;
}

/**
 * Starts the installed `redis-server` on a free port, empty and without persistence, behind Upstash's
 * REST protocol. It ends with this process at the latest.
 *
 * @param settings more settings of `redis.conf`, such as `requirepass`.
 * @throws {TmcpSessionsError} if `redis-server` is not installed or does not start.
 */
export async function startRedis(settings: RedisSettings = {}): Promise<RunningRedis> {
	const redis = await startRedisProcess(settings);
	const token = crypto.randomUUID();
	let requests: RestRequest[] = [];
	try {
		const connection = await connectRedis(redis.port, settings['requirepass']);
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
