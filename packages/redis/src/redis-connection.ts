/** A reply of a script. */
export type RedisReply = null | number | string | readonly RedisReply[];

/** An open subscription to one channel. */
export interface RedisSubscription {
	/** Closes the subscription and its connection. Idempotent. */
	close(): void;
}

/** Receives what arrives on a subscription. */
export interface RedisListener {
	/** Called with each message, in the order in which they were published. */
	onMessage(message: string): void;
	/** Called once, with the reason, if the subscription ends without `close`. */
	onEnd(reason: Error): void;
}

/**
 * A Redis: what the backends of this family need of a client. It connects at first use, so that it can be
 * created at module scope, and again at the next use after a connection was lost. It never retries a
 * command.
 */
export interface RedisConnection {
	/** The command with which scripts publish: `SPUBLISH` on a cluster, where it stays on one node. */
	readonly publishCommand: 'PUBLISH' | 'SPUBLISH';
	/**
	 * Whether scripts can tell one instance of Redis from another by its `run_id`. Then a failover begins a
	 * new log, since the new primary may lack messages that the old one had acknowledged.
	 */
	readonly tellsInstance: boolean;
	/** How long a command, or opening a connection, may take, in milliseconds. */
	readonly timeoutMs: number;

	/**
	 * Runs a Lua script, which Redis runs atomically.
	 *
	 * @param keys at least one, of which the first one selects the node of a cluster.
	 * @throws the error of Redis or of the connection. `redisFailure` describes it, `isConnectionLoss` tells
	 * whether the script may succeed if it is sent again. It may have run in either case.
	 */
	evaluate(script: string, keys: readonly string[], args: readonly string[]): Promise<RedisReply>;

	/**
	 * Subscribes to a channel over a separate connection. After it has resolved, every message that is
	 * published to the channel arrives, until `onEnd`.
	 */
	subscribe(channel: string, listener: RedisListener): Promise<RedisSubscription>;

	/** Closes the connection for commands. The next use opens it again. */
	close(): void;
}
