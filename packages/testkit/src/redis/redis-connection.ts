import { createClient, RESP_TYPES } from '@redis/client';

/** A reply of Redis in RESP2: text as bytes, a status (`OK`) as a string. A list can hold errors. */
export type RedisReply = null | number | string | Buffer | Error | readonly RedisReply[];

/** One connection, which sends commands in the order of `send`. */
export interface RedisConnection {
	/** Sends a command. Rejects with the error of Redis, message unchanged. */
	send(command: readonly string[]): Promise<RedisReply>;
	/**
	 * Subscribes to a channel over a separate connection.
	 *
	 * @param onEnd called once, if the connection ends without `close`.
	 */
	subscribe(
		channel: string,
		onMessage: (message: string) => void,
		onEnd: () => void,
	): Promise<{ close(): void }>;
	close(): void;
}

/** Connects to a Redis on 127.0.0.1. A broken connection does not reconnect. */
export async function connectRedis(port: number, password?: string): Promise<RedisConnection> {
	const client = createClient({
		RESP: 2,
		...(password === undefined ? {} : { password }),
		socket: { host: '127.0.0.1', port, reconnectStrategy: false },
	});
	// Pending commands reject with the same error.
	client.on('error', () => {});
	await client.connect();
	const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
	return {
		send: (command) => binary.sendCommand<RedisReply>(command),
		async subscribe(channel, onMessage, onEnd) {
			const subscriber = client.duplicate();
			let isOver = false;
			const end = (): void => {
				if (!isOver) onEnd();
				isOver = true;
			};
			// A connection that is lost emits an error, one that is closed an end.
			subscriber.on('error', end);
			subscriber.on('end', end);
			await subscriber.connect();
			await subscriber.subscribe(channel, onMessage);
			return {
				close() {
					isOver = true;
					if (subscriber.isOpen) subscriber.destroy();
				},
			};
		},
		close() {
			if (client.isOpen) client.destroy();
		},
	};
}
