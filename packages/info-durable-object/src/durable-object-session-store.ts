import { UnknownSessionError } from '@tmcp-sessions/core';
import {
	encodeSessionId,
	hashUri,
	parseLiveSessionRecord,
	parseSessionRecord,
	sleep,
	storeOperation,
} from '@tmcp-sessions/core/backend';
import type {
	SessionPatch,
	SessionRecord,
	SessionStore,
	SingleUse,
	StoreCapabilities,
} from '@tmcp-sessions/core/backend';

import { DEFAULT_BINDING, sessionShards } from './binding.ts';
import type { SessionShardBinding } from './binding.ts';
import { PACKAGE } from './package-name.ts';
import { locationOfObject, locationOfSession, objectIndexOf } from './placement.ts';
import type { ObjectLocation } from './placement.ts';
import { retryTransient } from './retry.ts';
import type { SessionShard, UpdateOutcome } from './session-shard.ts';

const MAX_ID_BYTES = 1024;

/** Options of `DurableObjectSessionStore`; `now` and `sleep` are for tests. */
export interface DurableObjectSessionStoreOptions {
	/**
	 * The jurisdiction of the objects. Default: none. Sessions of one jurisdiction are unknown in
	 * another. Local workerd does not implement jurisdictions.
	 */
	readonly jurisdiction?: DurableObjectJurisdiction | undefined;
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
	/** Waits for a number of milliseconds. Default: a timer. */
	readonly sleep?: ((ms: number) => Promise<void>) | undefined;
}

/** Stores sessions in Durable Objects of the class `SessionShard`. Strongly consistent. */
export class DurableObjectSessionStore implements SessionStore, SingleUse {
	readonly capabilities: StoreCapabilities = {
		consistency: 'strong',
		visibleWithinSeconds: 0,
		ttlFloorSeconds: 0,
		atomicUpdate: true,
		maxIdBytes: MAX_ID_BYTES,
	};
	readonly #binding: SessionShardBinding;
	readonly #jurisdiction: DurableObjectJurisdiction | undefined;
	readonly #now: () => number;
	readonly #sleep: (ms: number) => Promise<void>;
	/** Resolved at first use: checking a binding reads each of its methods. */
	#namespace: DurableObjectNamespace<SessionShard> | undefined;

	/** @param binding a namespace, or a name in the `env` of `cloudflare:workers`, resolved at first use. */
	constructor(
		binding: SessionShardBinding = DEFAULT_BINDING,
		options: DurableObjectSessionStoreOptions = {},
	) {
		this.#binding = binding;
		this.#jurisdiction = options.jurisdiction;
		this.#now = options.now ?? Date.now;
		this.#sleep = options.sleep ?? sleep;
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		const key = encode(id);
		const text = await this.#call('reading a session', locationOfSession(key), (object) =>
			object.read(key),
		);
		return parseLiveSessionRecord(text, PACKAGE, this.#now());
	}

	async create(id: string, record: SessionRecord): Promise<void> {
		const key = encode(id);
		await this.#call('storing a session', locationOfSession(key), (object) =>
			object.create(key, JSON.stringify(record), record.expiresAtMs),
		);
	}

	async update(id: string, patch: SessionPatch): Promise<boolean> {
		const key = encode(id);
		const result = await this.#call(
			'updating a session',
			locationOfSession(key),
			async (object): Promise<UpdateOutcome> => object.update(key, patch, this.#now()),
		);
		// Throws the `CorruptRecordError` again: RPC does not preserve the class of an error.
		if (result.outcome === 'corrupt') parseSessionRecord(result.text, PACKAGE);
		return result.outcome === 'updated';
	}

	async delete(id: string): Promise<void> {
		const key = encode(id);
		const shards = await this.#call('ending a session', locationOfSession(key), (object) =>
			object.end(key),
		);
		await Promise.all(
			shards.map((index) =>
				this.#call("ending a session's subscriptions", locationOfObject(index), (object) =>
					object.removeSubscribers([key]),
				),
			),
		);
	}

	/** @throws {UnknownSessionError} if the session has ended or expired. */
	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		const key = encode(id);
		const uriHash = await hashUri(uri);
		const index = objectIndexOf(uriHash);
		// In this order, a concurrent `delete` either finds the subscription or is noticed here.
		await this.#call('subscribing a session', locationOfObject(index), (object) =>
			object.addSubscriber(uriHash, key, untilMs),
		);
		const isLive = await this.#call('subscribing a session', locationOfSession(key), (object) =>
			object.addSubscribedShard(key, index, untilMs, this.#now()),
		);
		if (isLive) return;
		await this.#removeSubscriber(uriHash, key);
		throw new UnknownSessionError(PACKAGE, 'subscribe to a resource');
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		await this.#removeSubscriber(await hashUri(uri), encode(id));
	}

	async subscribers(uri: string): Promise<string[]> {
		const uriHash = await hashUri(uri);
		const location = locationOfObject(objectIndexOf(uriHash));
		const keys = await this.#call('finding subscribers', location, (object) =>
			object.subscribers(uriHash, this.#now()),
		);
		return keys.map(decodeURIComponent);
	}

	/** Each call has its own claimant id, so that a retry after a lost response is the same claim. */
	claim(id: string, untilMs: number): Promise<boolean> {
		const claimant = crypto.randomUUID();
		return this.#call('claiming an id', locationOfObject(objectIndexOf(id)), (object) =>
			object.claim(id, claimant, untilMs),
		);
	}

	#removeSubscriber(uriHash: string, key: string): Promise<void> {
		return this.#call('ending a subscription', locationOfObject(objectIndexOf(uriHash)), (object) =>
			object.removeSubscriber(uriHash, key),
		);
	}

	/** Calls an object, with retries: all of its methods are idempotent. */
	#call<Result>(
		operation: string,
		{ name, region }: ObjectLocation,
		method: (object: DurableObjectStub<SessionShard>) => Promise<Result>,
	): Promise<Result> {
		return storeOperation(PACKAGE, operation, async () => {
			const namespace = (this.#namespace ??= sessionShards(this.#binding, this.#jurisdiction));
			const object = (): DurableObjectStub<SessionShard> =>
				namespace.getByName(name, region && { locationHint: region });
			return retryTransient(() => method(object()), this.#sleep);
		});
	}
}

function encode(id: string): string {
	return encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
}
