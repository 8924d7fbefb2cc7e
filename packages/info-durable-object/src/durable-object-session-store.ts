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

import { DEFAULT_BINDING, PACKAGE, sessionShards } from './binding.ts';
import type { SessionShardBinding } from './binding.ts';
import { indexOf, placeOf, placeOfSession } from './placement.ts';
import type { Place } from './placement.ts';
import { retryWhereItMayHelp } from './retry.ts';
import type { SessionShard, UpdateOutcome } from './session-shard.ts';

const MAX_ID_BYTES = 1024;

/** What the objects may not leave; `now` and `sleep` are for tests. */
export interface DurableObjectSessionStoreOptions {
	/**
	 * What the objects may not leave. Default: nothing. Sessions of one jurisdiction are unknown in
	 * another, and workerd on one's own machine has none.
	 */
	readonly jurisdiction?: DurableObjectJurisdiction | undefined;
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
	readonly #jurisdiction: DurableObjectJurisdiction | undefined;
	readonly #now: () => number;
	readonly #sleep: (ms: number) => Promise<void>;
	/** Found at the first use: to make sure of a binding takes a look at each of its methods. */
	#namespace: DurableObjectNamespace<SessionShard> | undefined;

	/** @param binding a name in `env` of `cloudflare:workers`, looked up at the first use. */
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
		const text = await this.#call('reading a session', placeOfSession(key), (object) =>
			object.read(key),
		);
		return parseLiveSessionRecord(text, PACKAGE, this.#now());
	}

	async create(id: string, record: SessionRecord): Promise<void> {
		const key = encode(id);
		await this.#call('storing a session', placeOfSession(key), (object) =>
			object.create(key, JSON.stringify(record), record.expiresAtMs),
		);
	}

	async update(id: string, patch: SessionPatch): Promise<boolean> {
		const key = encode(id);
		const result = await this.#call(
			'updating a session',
			placeOfSession(key),
			async (object): Promise<UpdateOutcome> => object.update(key, patch, this.#now()),
		);
		// Throws what the object has seen, as the error that it is.
		if (result.outcome === 'corrupt') parseSessionRecord(result.text, PACKAGE);
		return result.outcome === 'updated';
	}

	async delete(id: string): Promise<void> {
		const key = encode(id);
		const subscribed = await this.#call('ending a session', placeOfSession(key), (object) =>
			object.end(key),
		);
		await Promise.all(
			subscribed.map((index) =>
				this.#call("ending a session's subscriptions", placeOf(index), (object) =>
					object.removeSubscribers([key]),
				),
			),
		);
	}

	/** @throws {UnknownSessionError} where the session has ended or expired. */
	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		const key = encode(id);
		const uriHash = await hashUri(uri);
		const index = indexOf(uriHash);
		// In this order the end of a session at the same time either finds the subscription or is seen here.
		await this.#call('subscribing a session', placeOf(index), (object) =>
			object.addSubscriber(uriHash, key, untilMs),
		);
		const isNoted = await this.#call('subscribing a session', placeOfSession(key), (object) =>
			object.noteSubscription(key, index, untilMs, this.#now()),
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
		const keys = await this.#call('finding subscribers', placeOf(indexOf(uriHash)), (object) =>
			object.subscribers(uriHash, this.#now()),
		);
		return keys.map(decodeURIComponent);
	}

	/** By a claimant of its own: a call that is made again because its answer was lost is the same claim. */
	claim(id: string, untilMs: number): Promise<boolean> {
		const claimant = crypto.randomUUID();
		return this.#call('claiming an id', placeOf(indexOf(id)), (object) =>
			object.claim(id, claimant, untilMs),
		);
	}

	#removeSubscriber(uriHash: string, key: string): Promise<void> {
		return this.#call('ending a subscription', placeOf(indexOf(uriHash)), (object) =>
			object.removeSubscriber(uriHash, key),
		);
	}

	/** Every method of the object may be carried out twice: it says what shall be, not what to add. */
	#call<Result>(
		operation: string,
		{ name, region }: Place,
		method: (object: DurableObjectStub<SessionShard>) => Promise<Result>,
	): Promise<Result> {
		return storeOperation(PACKAGE, operation, async () => {
			const namespace = (this.#namespace ??= sessionShards(this.#binding, this.#jurisdiction));
			const object = (): DurableObjectStub<SessionShard> =>
				namespace.getByName(name, region && { locationHint: region });
			return retryWhereItMayHelp(() => method(object()), this.#sleep);
		});
	}
}

function encode(id: string): string {
	return encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
}
