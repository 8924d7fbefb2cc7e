import { sleep } from '@tmcp-sessions/core/backend';
import { isConnectionLoss } from '@tmcp-sessions/redis';
import type { RedisConnection, RedisReply, RedisSubscription } from '@tmcp-sessions/redis';

import { backoffMs } from './backoff.ts';
import { parseRedisEvent } from './redis-event.ts';
import type { RedisEvent } from './redis-event.ts';
import { Publisher } from './publisher.ts';
import { LEASE_MS } from '../scripts/prelude.ts';
import type { ScriptBounds } from '../scripts/script-bounds.ts';
import { GOODBYE, HELLO, RENEW, SEND } from '../scripts/stream-scripts.ts';
import { createStreamError } from '../stream-error.ts';

/** How long a request waits for a lost connection to come back. */
const RETRY_MS = 2_000;
/** How long a process without streams stays subscribed. */
const IDLE_MS = 5_000;
/** After this time without a subscription, the streams of the process end. */
const GIVE_UP_MS = 30_000;
/** How often Redis is asked whether it serves the subscription. */
const CHECK_MS = 20 * 60 * 1_000;
/** The leases are renewed by each such check. */
const CHECKS_PER_RENEWAL = LEASE_MS / 3 / CHECK_MS;
const RENEWED_AT_ONCE = 500;

/** Receives what concerns the streams of a process. */
export interface LinkListener {
	/** Called with each event, in the order in which Redis published them. */
	onEvent(event: RedisEvent): void;
	/** Called when the subscription is lost. */
	onLoss(): void;
	/** Called after the subscription was replaced: events in between have not arrived. */
	onReconnect(): void;
	/** Called if the subscription could not be replaced for 30 seconds. */
	onFailure(reason: unknown): void;
	/** Returns the keys of what the process holds, without the prefix. */
	leases(): Iterable<string>;
}

/**
 * Connects this process to the others over one Redis: one subscription, to its own channel, serves
 * all of its streams. It is open while something holds it.
 */
export class ProcessLink {
	/** Identifies this process. */
	readonly id: string = crypto.randomUUID();
	readonly publisher: Publisher;
	readonly #redis: RedisConnection;
	readonly #prefix: string;
	readonly #listeners = new Set<LinkListener>();
	#holders = 0;
	#subscription: RedisSubscription | undefined;
	#opening: Promise<void> | undefined;
	#idleTimer: ReturnType<typeof setTimeout> | undefined;
	#checkTimer: ReturnType<typeof setInterval> | undefined;
	#checks = 0;

	constructor(redis: RedisConnection, prefix: string) {
		this.#redis = redis;
		this.#prefix = prefix;
		this.publisher = new Publisher((batch, args, bounds) =>
			this.#evaluate(SEND, [this.id, String(batch), ...args], bounds),
		);
	}

	addListener(listener: LinkListener): void {
		this.#listeners.add(listener);
	}

	/**
	 * Runs a script. A lost connection is tried again for two seconds.
	 *
	 * @throws {StreamError} if Redis cannot be reached or rejects the script.
	 */
	async run(
		operation: string,
		script: string,
		args: readonly string[],
		bounds: ScriptBounds,
	): Promise<RedisReply> {
		const untilMs = Date.now() + Math.min(RETRY_MS, this.#redis.timeoutMs);
		for (let attempt = 0; ; attempt++) {
			try {
				return await this.#evaluate(script, args, bounds);
			} catch (cause) {
				const waitMs = backoffMs(attempt);
				if (!isConnectionLoss(cause) || Date.now() + waitMs > untilMs) {
					throw createStreamError(operation, cause);
				}
				await sleep(waitMs);
			}
		}
	}

	/**
	 * Subscribes the process, unless it is, and keeps it subscribed until `release`.
	 *
	 * @throws {StreamError} if Redis cannot be reached. Nothing is held then.
	 */
	async hold(operation: string, bounds: ScriptBounds): Promise<void> {
		this.#holders += 1;
		if (this.#idleTimer !== undefined) clearTimeout(this.#idleTimer);
		try {
			await (this.#opening ??= this.#open(bounds));
		} catch (error) {
			this.release();
			throw createStreamError(operation, error);
		}
	}

	/** Ends a `hold`. */
	release(): void {
		this.#holders -= 1;
		if (this.#holders > 0) return;
		if (this.#idleTimer !== undefined) clearTimeout(this.#idleTimer);
		this.#idleTimer = setTimeout(() => this.#close(), IDLE_MS);
		unref(this.#idleTimer);
	}

	#evaluate(script: string, args: readonly string[], bounds: ScriptBounds): Promise<RedisReply> {
		const { publishCommand, tellsInstance } = this.#redis;
		const shared = [
			this.#prefix,
			publishCommand,
			String(Date.now()),
			crypto.randomUUID().slice(0, 8),
			tellsInstance ? '1' : '0',
			String(bounds.ageMs),
			String(bounds.messages),
			String(bounds.bytes),
		];
		return this.#redis.evaluate(script, [`${this.#prefix}streams`], [...shared, ...args]);
	}

	/** Opens the subscription. A failure is forgotten, so that the next use tries again. */
	async #open(bounds: ScriptBounds): Promise<void> {
		let subscription: RedisSubscription | undefined;
		try {
			subscription = await this.#redis.subscribe(`${this.#prefix}to:${this.id}`, {
				onMessage: (text) => this.#dispatch(text),
				onEnd: (reason) => this.#handleLoss(subscription, reason, bounds),
			});
			this.#subscription = subscription;
			await this.#evaluate(HELLO, [this.id], bounds);
			this.#checkTimer ??= setInterval(() => this.#check(bounds), CHECK_MS);
			unref(this.#checkTimer);
		} catch (error) {
			subscription?.close();
			if (this.#subscription === subscription) {
				this.#subscription = undefined;
				this.#opening = undefined;
			}
			throw error;
		}
	}

	#dispatch(text: string): void {
		const event = parseRedisEvent(text);
		for (const listener of this.#listeners) listener.onEvent(event);
	}

	#handleLoss(
		subscription: RedisSubscription | undefined,
		reason: Error,
		bounds: ScriptBounds,
	): void {
		// While it is being opened, `#open` reports the failure.
		if (subscription === undefined || this.#subscription !== subscription) return;
		this.#subscription = undefined;
		this.#opening = undefined;
		for (const listener of this.#listeners) listener.onLoss();
		if (this.#holders === 0) return;
		this.#reconnect(reason, bounds).catch((error: unknown) => this.#fail(error));
	}

	async #reconnect(lost: Error, bounds: ScriptBounds): Promise<void> {
		const untilMs = Date.now() + GIVE_UP_MS;
		let reason: unknown = lost;
		for (let attempt = 0; Date.now() < untilMs; attempt++) {
			await sleep(backoffMs(attempt));
			if (this.#holders === 0) return;
			try {
				await (this.#opening ??= this.#open(bounds));
				for (const listener of this.#listeners) listener.onReconnect();
				return;
			} catch (error) {
				reason = error;
			}
		}
		this.#fail(reason);
	}

	#fail(reason: unknown): void {
		for (const listener of this.#listeners) listener.onFailure(reason);
	}

	/** Replaces a subscription that Redis no longer serves, and now and then renews what the process holds. */
	#check(bounds: ScriptBounds): void {
		this.#checks += 1;
		const isRenewal = this.#checks % CHECKS_PER_RENEWAL === 0;
		const leases = isRenewal
			? [...new Set([...this.#listeners].flatMap((listener) => [...listener.leases()]))]
			: [];
		const subscription = this.#subscription;
		for (let index = 0; index < Math.max(1, leases.length); index += RENEWED_AT_ONCE) {
			const args = [this.id, ...leases.slice(index, index + RENEWED_AT_ONCE)];
			this.#evaluate(RENEW, args, bounds).then(
				(isSubscribed) => {
					if (isSubscribed !== 0 || subscription !== this.#subscription) return;
					subscription?.close();
					this.#handleLoss(subscription, new Error('the subscription was lost'), bounds);
				},
				() => {}, // The lease outlasts two renewals.
			);
		}
	}

	#close(): void {
		if (this.#holders > 0) return;
		if (this.#checkTimer !== undefined) clearInterval(this.#checkTimer);
		this.#checkTimer = undefined;
		const subscription = this.#subscription;
		this.#subscription = undefined;
		this.#opening = undefined;
		if (!subscription) return;
		subscription.close();
		const bounds = { ageMs: 1, messages: 1, bytes: 1 };
		// If it fails, the process is removed when a message finds no subscriber.
		this.#evaluate(GOODBYE, [this.id], bounds).catch(() => {});
	}
}

const links = new WeakMap<RedisConnection, Map<string, ProcessLink>>();

/** Returns the link of this process over a connection: its managers share one. */
export function processLinkOf(redis: RedisConnection, prefix: string): ProcessLink {
	const byPrefix = links.get(redis) ?? new Map<string, ProcessLink>();
	links.set(redis, byPrefix);
	const link = byPrefix.get(prefix) ?? new ProcessLink(redis, prefix);
	byPrefix.set(prefix, link);
	return link;
}

/** Lets a process of Node.js end although a timer is set. */
function unref(timer: ReturnType<typeof setTimeout>): void {
	if (typeof timer === 'object' && 'unref' in timer) (timer as { unref(): void }).unref(); // Safe because Node.js, Bun and Deno define it so.
}
