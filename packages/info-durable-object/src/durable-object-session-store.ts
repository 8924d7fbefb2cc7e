import {
	encodeSessionId,
	hashUri,
	liveSessionRecord,
	parseSessionRecord,
	storeOperation,
	TmcpSessionsError,
	UnknownSessionError,
} from '@tmcp-sessions/core';
import type {
	SessionPatch,
	SessionRecord,
	SessionStore,
	SingleUse,
	StoreCapabilities,
} from '@tmcp-sessions/core';

import { DEFAULT_BINDING, PACKAGE, sessionShards } from './binding.ts';
import type { SessionShardBinding } from './binding.ts';
import { objectName, shardOf } from './placement.ts';
import { retryWhereItMayHelp } from './retry.ts';
import type { SessionShard, UpdateOutcome } from './session-shard.ts';

const DEFAULT_SHARDS = 16;
const MAX_ID_BYTES = 1024;

/** How sessions are spread; `now` and `sleep` are for tests. */
export interface DurableObjectSessionStoreOptions {
	/**
	 * How many objects the sessions are spread over. Default: 16. Sessions that were opened under
	 * another number are unknown.
	 */
	readonly shards?: number | undefined;
	/** The time in milliseconds since the epoch. `Date.now` unless given. */
	readonly now?: (() => number) | undefined;
	/** Waits so many milliseconds. A timer unless given. */
	readonly sleep?: ((ms: number) => Promise<void>) | undefined;
}

/** Keeps sessions in Durable Objects, `SessionShard`. Everybody sees a write at once. */
export class DurableObjectSessionStore implements SessionStore, SingleUse {
	readonly capabilities: StoreCapabilities = {
		consistency: 'strong',
		visibleWithinSeconds: 0,
		ttlFloorSeconds: 0,
		atomicUpdate: true,
		maxIdBytes: MAX_ID_BYTES,
	};
	readonly #binding: SessionShardBinding;
	readonly #shards: number;
	readonly #now: () => number;
	readonly #sleep: (ms: number) => Promise<void>;

	/**
	 * @param binding a name in `env` of `cloudflare:workers`, looked up at the first use.
	 * @throws {TmcpSessionsError} `configuration`, where `shards` is no whole number from 1 on.
	 */
	constructor(
		binding: SessionShardBinding = DEFAULT_BINDING,
		options: DurableObjectSessionStoreOptions = {},
	) {
		this.#binding = binding;
		this.#shards = checkShards(options.shards ?? DEFAULT_SHARDS);
		this.#now = options.now ?? Date.now;
		this.#sleep = options.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		const key = encode(id);
		const text = await this.#call('reading a session', this.#shardOf(key), (object) =>
			object.read(key),
		);
		return liveSessionRecord(text, PACKAGE, this.#now());
	}

	async create(id: string, record: SessionRecord): Promise<void> {
		const key = encode(id);
		await this.#call('storing a session', this.#shardOf(key), (object) =>
			object.create(key, JSON.stringify(record), record.expiresAtMs),
		);
	}

	async update(id: string, patch: SessionPatch): Promise<boolean> {
		const key = encode(id);
		const result = await this.#call(
			'updating a session',
			this.#shardOf(key),
			async (object): Promise<UpdateOutcome> => object.update(key, patch, this.#now()),
		);
		// Throws what the object has seen, as the error that it is.
		if (result.outcome === 'corrupt') parseSessionRecord(result.text, PACKAGE);
		return result.outcome === 'updated';
	}

	async delete(id: string): Promise<void> {
		const key = encode(id);
		const subscribed = await this.#call('ending a session', this.#shardOf(key), (object) =>
			object.end(key),
		);
		await Promise.all(
			subscribed.map((shard) =>
				this.#call("ending a session's subscriptions", shard, (object) =>
					object.removeSubscribers([key]),
				),
			),
		);
	}

	/** @throws {UnknownSessionError} where the session has ended or expired. */
	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		const key = encode(id);
		const uriHash = await hashUri(uri);
		const shard = this.#shardOf(uriHash);
		// In this order the end of a session at the same time either finds the subscription or is seen here.
		await this.#call('subscribing a session', shard, (object) =>
			object.addSubscriber(uriHash, key, untilMs),
		);
		const isNoted = await this.#call('subscribing a session', this.#shardOf(key), (object) =>
			object.noteSubscription(key, shard, untilMs, this.#now()),
		);
		if (isNoted) return;
		await this.#removeSubscriber(uriHash, key);
		throw new UnknownSessionError(PACKAGE, 'subscribe to a resource');
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		await this.#removeSubscriber(await hashUri(uri), encode(id));
	}

	async subscribers(uri: string): Promise<string[]> {
		const uriHash = await hashUri(uri);
		const keys = await this.#call('finding subscribers', this.#shardOf(uriHash), (object) =>
			object.subscribers(uriHash, this.#now()),
		);
		return keys.map(decodeURIComponent);
	}

	/** By a claimant of its own: a call that is made again because its answer was lost is the same claim. */
	claim(id: string, untilMs: number): Promise<boolean> {
		const claimant = crypto.randomUUID();
		return this.#call('claiming an id', this.#shardOf(id), (object) =>
			object.claim(id, claimant, untilMs),
		);
	}

	#removeSubscriber(uriHash: string, key: string): Promise<void> {
		return this.#call('ending a subscription', this.#shardOf(uriHash), (object) =>
			object.removeSubscriber(uriHash, key),
		);
	}

	#shardOf(key: string): number {
		return shardOf(key, this.#shards);
	}

	/** Every method of the object may be carried out twice: it says what shall be, not what to add. */
	#call<Result>(
		operation: string,
		shard: number,
		method: (object: DurableObjectStub<SessionShard>) => Promise<Result>,
	): Promise<Result> {
		return storeOperation(PACKAGE, operation, async () => {
			const namespace = sessionShards(this.#binding);
			return retryWhereItMayHelp(() => method(namespace.getByName(objectName(shard))), this.#sleep);
		});
	}
}

function encode(id: string): string {
	return encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
}

function checkShards(shards: number): number {
	if (Number.isSafeInteger(shards) && shards > 0) return shards;
	throw new TmcpSessionsError(
		'configuration',
		PACKAGE,
		`shards must be a whole number from 1 on; found ${shards}`,
	);
}
