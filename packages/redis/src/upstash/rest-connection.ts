import { TmcpSessionsError } from '@tmcp-sessions/core';
import { reasonOf, withTimeout } from '@tmcp-sessions/core/backend';
import { Redis } from '@upstash/redis';

import { readSubscription } from './sse-subscription.ts';
import { PACKAGE } from '../package-name.ts';
import type {
	RedisConnection,
	RedisListener,
	RedisReply,
	RedisSubscription,
} from '../redis-connection.ts';
import { RedisConnectionError, RedisTimeoutError } from '../redis-failure.ts';

const DEFAULT_TIMEOUT_MS = 5_000;

/** Options of `connectUpstash`. */
export interface UpstashOptions {
	/** The REST URL of the database, such as `https://eu1-name-12345.upstash.io`. */
	readonly url: string;
	/** The REST token of the database. A read-only token is not enough. */
	readonly token: string;
	/** How long a command, or opening a subscription, may take, in milliseconds. Default: 5,000. */
	readonly timeoutMs?: number | undefined;
}

/**
 * Connects to Upstash Redis over HTTP: commands are requests, and a subscription is a stream of
 * server-sent events.
 *
 * @throws {TmcpSessionsError} `configuration`, if the URL or the token is invalid.
 */
export function connectUpstash({
	url,
	token,
	timeoutMs = DEFAULT_TIMEOUT_MS,
}: UpstashOptions): RedisConnection {
	if (!isRestUrl(url) || token.trim() === '') {
		throw new TmcpSessionsError(
			'configuration',
			PACKAGE,
			'connectUpstash needs the URL of a REST API without user and password, such as ' +
				'https://eu1-name-12345.upstash.io, and its token; ' +
				`got ${isRestUrl(url) ? 'an empty token' : 'another URL (redis:// is for connectRedis)'}`,
		);
	}
	return new RestConnection(url.trim().replace(/\/+$/, ''), token.trim(), timeoutMs);
}

class RestConnection implements RedisConnection {
	readonly publishCommand = 'PUBLISH';
	readonly tellsInstance = false;
	readonly timeoutMs: number;
	readonly #url: string;
	readonly #token: string;
	readonly #redis: Redis;
	readonly #hashes = new Map<string, Promise<string>>();

	constructor(url: string, token: string, timeoutMs: number) {
		this.timeoutMs = timeoutMs;
		this.#url = url;
		this.#token = token;
		this.#redis = new Redis({
			url,
			token,
			automaticDeserialization: false,
			retry: false,
			signal: () => AbortSignal.timeout(timeoutMs),
		});
	}

	async evaluate(
		script: string,
		keys: readonly string[],
		args: readonly string[],
	): Promise<RedisReply> {
		const hash = await this.#hashOf(script);
		try {
			return await this.#run((pipeline) => pipeline.evalsha(hash, [...keys], [...args]));
		} catch (error) {
			if (!/^NOSCRIPT\b/.test(reasonOf(error))) throw error;
			return this.#run((pipeline) => pipeline.eval(script, [...keys], [...args]));
		}
	}

	async subscribe(channel: string, listener: RedisListener): Promise<RedisSubscription> {
		const controller = new AbortController();
		const opening = readSubscription(
			`${this.#url}/subscribe/${encodeURIComponent(channel)}`,
			this.#token,
			controller.signal,
			listener,
		);
		try {
			await withTimeout(this.timeoutMs, opening, () => new RedisTimeoutError(this.timeoutMs));
		} catch (error) {
			controller.abort();
			throw error instanceof RedisTimeoutError ? asConnectionError(error) : error;
		}
		return { close: () => controller.abort() };
	}

	close(): void {
		// There is no connection for commands.
	}

	/** Sends one command in its own pipeline: the client batches single commands of all requests. */
	async #run(command: (pipeline: ReturnType<Redis['pipeline']>) => unknown): Promise<RedisReply> {
		const pipeline = this.#redis.pipeline();
		command(pipeline);
		let results: unknown;
		try {
			results = await pipeline.exec();
		} catch (error) {
			throw asFailure(error, this.timeoutMs);
		}
		if (!Array.isArray(results) || results.length !== 1) {
			throw new RedisConnectionError("the response does not follow Upstash's REST protocol");
		}
		// Safe because a command of Redis replies with nothing else.
		return results[0] as RedisReply;
	}

	#hashOf(script: string): Promise<string> {
		const known = this.#hashes.get(script);
		if (known) return known;
		const hash = sha1(script);
		this.#hashes.set(script, hash);
		return hash;
	}
}

async function sha1(text: string): Promise<string> {
	const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text));
	return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Returns the error of Redis without the words around it, or else that of the connection. */
function asFailure(error: unknown, timeoutMs: number): Error {
	if (!(error instanceof Error)) return new RedisConnectionError('the client threw no Error');
	if (error.name === 'TimeoutError' || error.name === 'AbortError') {
		return asConnectionError(new RedisTimeoutError(timeoutMs));
	}
	if (error.name !== 'UpstashError') return asConnectionError(error);
	const [words = ''] = error.message
		.replace(/^Command \d+ \[ \w+ \] failed: /, '')
		.split(', command was:');
	return new Error(words);
}

function asConnectionError(error: Error): RedisConnectionError {
	const { cause } = error;
	// `fetch` of Node.js tells the reason of "fetch failed" only in the cause.
	const detail = cause instanceof Error ? `: ${cause.message}` : '';
	return new RedisConnectionError(`${error.message}${detail}`, { cause: error });
}

function isRestUrl(url: string): boolean {
	if (!URL.canParse(url)) return false;
	const { protocol, username, password } = new URL(url);
	return /^https?:$/.test(protocol) && username === '' && password === '';
}
