import { createHash } from 'node:crypto';

import { createClient } from '@redis/client';
import { reasonOf, withTimeout } from '@tmcp-sessions/core/backend';
import { TmcpSessionsError } from '@tmcp-sessions/core';

import { openCluster, openNode } from './open-client.ts';
import type { CommandClient, NodeOptions } from './open-client.ts';
import { PACKAGE } from '../package-name.ts';
import type {
	RedisConnection,
	RedisListener,
	RedisReply,
	RedisSubscription,
} from '../redis-connection.ts';
import { RedisConnectionError, RedisTimeoutError } from '../redis-failure.ts';

const DEFAULT_TIMEOUT_MS = 5_000;

/** Options of `connectRedis`. */
export interface RedisTcpOptions {
	/** How long a command, or opening a connection, may take, in milliseconds. Default: 5,000. */
	readonly timeoutMs?: number | undefined;
	/** More options of `@redis/client` for each connection: certificates, a provider of credentials. */
	readonly client?: NodeOptions | undefined;
}

/** A client of `@redis/client` for one node. */
export type RedisNodeClient = ReturnType<typeof createClient>;

/** A connection over TCP. */
export interface RedisTcpConnection extends RedisConnection {
	/**
	 * Creates a client for the primary that serves a key, for a library that manages its connections itself. It
	 * is not connected yet, and connects again by itself after a loss. Its commands wait for the connection.
	 */
	createClient(key: string): Promise<RedisNodeClient>;
}

/**
 * Connects to Redis 7 or later over TCP, at first use. A process holds one connection for commands, and
 * one for its subscription.
 *
 *     const redis = connectRedis('rediss://user:password@redis.example.com:6379');
 *
 * @param url `redis[s]://[[user]:password@]host[:port][/database]`; a list of such URLs names nodes of a
 * cluster.
 * @throws {TmcpSessionsError} `configuration`, if a URL is invalid.
 */
export function connectRedis(
	url: string | readonly string[],
	{ timeoutMs = DEFAULT_TIMEOUT_MS, client = {} }: RedisTcpOptions = {},
): RedisTcpConnection {
	const urls = typeof url === 'string' ? [url] : [...url];
	if (urls.length === 0 || !urls.every(isRedisUrl)) {
		throw new TmcpSessionsError(
			'configuration',
			PACKAGE,
			'connectRedis needs a URL such as redis://localhost:6379, or a list of them for a cluster; ' +
				`got ${urls.length === 0 ? 'an empty list' : 'another URL'} (https:// is for connectUpstash)`,
		);
	}
	return new TcpConnection(urls, typeof url !== 'string', timeoutMs, client);
}

class TcpConnection implements RedisTcpConnection {
	readonly publishCommand: 'PUBLISH' | 'SPUBLISH';
	readonly tellsInstance = true;
	readonly timeoutMs: number;
	readonly #urls: readonly string[];
	readonly #isCluster: boolean;
	readonly #options: NodeOptions;
	readonly #hashes = new Map<string, string>();
	#opened: Promise<CommandClient> | undefined;

	constructor(
		urls: readonly string[],
		isCluster: boolean,
		timeoutMs: number,
		options: NodeOptions,
	) {
		this.#urls = urls;
		this.#isCluster = isCluster;
		this.#options = options;
		this.publishCommand = isCluster ? 'SPUBLISH' : 'PUBLISH';
		this.timeoutMs = timeoutMs;
	}

	async evaluate(
		script: string,
		keys: readonly string[],
		args: readonly string[],
	): Promise<RedisReply> {
		const hash = this.#hashOf(script);
		const rest = [String(keys.length), ...keys, ...args];
		try {
			return await this.#send(keys[0] ?? '', ['EVALSHA', hash, ...rest]);
		} catch (error) {
			// Redis has forgotten its scripts: after a restart, a failover or SCRIPT FLUSH.
			if (!/^NOSCRIPT\b/.test(reasonOf(error))) throw error;
			return this.#send(keys[0] ?? '', ['EVAL', script, ...rest]);
		}
	}

	async subscribe(channel: string, listener: RedisListener): Promise<RedisSubscription> {
		const options = await this.#nodeOf(channel);
		const client = createClient(options);
		let isOver = false;
		const end = (reason: unknown): void => {
			if (isOver) return;
			isOver = true;
			if (client.isOpen) client.destroy();
			listener.onEnd(new RedisConnectionError(reasonOf(reason)));
		};
		let lost: unknown = 'the connection was closed';
		client.on('error', (error) => void (lost = error));
		const open = async (): Promise<void> => {
			await client.connect();
			const onMessage = (message: string): void => listener.onMessage(message);
			if (this.#isCluster) await client.sSubscribe(channel, onMessage);
			else await client.subscribe(channel, onMessage);
		};
		try {
			await withTimeout(this.timeoutMs, open(), () => new RedisTimeoutError(this.timeoutMs));
		} catch (error) {
			isOver = true;
			if (client.isOpen) client.destroy();
			this.close(); // The node may no longer be the primary: find it again.
			throw asConnectionError(error);
		}
		client.on('error', end);
		client.on('end', () => end(lost));
		client.on('sharded-channel-moved', () => end('the channel moved to another node'));
		return {
			close() {
				if (isOver) return;
				isOver = true;
				if (client.isOpen) client.destroy();
			},
		};
	}

	async createClient(key: string): Promise<RedisNodeClient> {
		const options = await this.#nodeOf(key);
		const reconnectStrategy = (attempts: number): number => Math.min(50 * 2 ** attempts, 2_000);
		const socket = { ...options.socket, reconnectStrategy };
		return createClient({ ...options, socket, disableOfflineQueue: false });
	}

	close(): void {
		const opened = this.#opened;
		this.#opened = undefined;
		opened?.then((client) => client.destroy()).catch(() => {}); // It has reported why it failed to open.
	}

	async #send(key: string, command: readonly string[]): Promise<RedisReply> {
		const opened = this.#open();
		try {
			const client = await opened;
			return await withTimeout(
				this.timeoutMs,
				client.send(key, command),
				() => new RedisTimeoutError(this.timeoutMs),
			);
		} catch (error) {
			if (isReply(error)) throw error;
			// A connection that does not answer may be dead: the next command opens another one.
			if (this.#opened === opened) this.close();
			throw asConnectionError(error);
		}
	}

	#open(): Promise<CommandClient> {
		if (this.#opened) return this.#opened;
		const forget = (): void => {
			if (this.#opened === opened) this.#opened = undefined;
		};
		const opened = this.#isCluster
			? openCluster(this.#urls, this.#socketOptions(), this.timeoutMs, forget)
			: openNode(this.#urls[0] ?? '', this.#socketOptions(), this.timeoutMs, forget);
		this.#opened = opened;
		opened.catch(forget);
		return opened;
	}

	/** Returns the options of a connection to the primary that serves a channel or a key. */
	async #nodeOf(channel: string): Promise<NodeOptions> {
		const options = this.#socketOptions();
		if (!this.#isCluster) return { ...options, url: this.#urls[0] ?? '' };
		try {
			const client = await this.#open();
			const { host, port } = await client.nodeOf(channel);
			return { ...options, socket: { ...options.socket, host, port } };
		} catch (error) {
			this.close();
			throw asConnectionError(error);
		}
	}

	#socketOptions(): NodeOptions {
		const socket = {
			...this.#options.socket,
			connectTimeout: this.timeoutMs,
			reconnectStrategy: false,
		};
		return { ...this.#options, disableOfflineQueue: true, socket } as NodeOptions; // Safe because only options of any socket are set.
	}

	#hashOf(script: string): string {
		const known = this.#hashes.get(script);
		if (known !== undefined) return known;
		const hash = createHash('sha1').update(script).digest('hex');
		this.#hashes.set(script, hash);
		return hash;
	}
}

/** Whether Redis itself answered with an error. */
function isReply(error: unknown): boolean {
	return error instanceof Error && /^[A-Z]+(?: |$)/.test(error.message);
}

function asConnectionError(error: unknown): unknown {
	if (isReply(error) || error instanceof RedisConnectionError) return error;
	return new RedisConnectionError(reasonOf(error) || 'the connection failed', { cause: error });
}

function isRedisUrl(url: string): boolean {
	return URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol);
}
