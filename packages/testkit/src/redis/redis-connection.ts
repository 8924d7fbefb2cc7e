import { createClient, RESP_TYPES } from '@redis/client';

/** What Redis answers, in RESP2: text as bytes, a status (`OK`) as a string. An error can be in a list. */
export type RedisReply = null | number | string | Buffer | Error | readonly RedisReply[];

/** One connection that commands go over in the order of the calls. */
export interface RedisConnection {
	/** @throws the error that Redis answers with; its message is Redis's own. */
	send(command: readonly string[]): Promise<RedisReply>;
	close(): void;
}

/** Connects to a Redis on 127.0.0.1. A connection that breaks stays broken. */
export async function connectRedis(port: number): Promise<RedisConnection> {
	const client = createClient({
		RESP: 2,
		socket: { host: '127.0.0.1', port, reconnectStrategy: false },
	});
	// Every command that is under way rejects with the same.
	client.on('error', () => {});
	await client.connect();
	const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
	return {
		send: (command) => binary.sendCommand<RedisReply>(command),
		close: () => client.destroy(),
	};
}
