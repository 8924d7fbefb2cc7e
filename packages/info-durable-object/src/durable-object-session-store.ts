import { UnknownSessionError } from '@tmcp-sessions/core';
import {
	classErrorOf,
	DEFAULT_ENDED_MS,
	encodeSessionId,
	hashText,
	invalidCursor,
	parseLiveSessionRecord,
	parseSessionRecord,
	sleep,
	storeOperation,
} from '@tmcp-sessions/core/backend';
import type {
	BindingRequirement,
	BindingUser,
	DirectoryPage,
	DirectoryProvider,
	OwnedSession,
	SessionDirectory,
	SessionPatch,
	SessionRecord,
	SessionStore,
	SingleUse,
	StateProvider,
	StateStore,
	StoreCapabilities,
	StoredSessionRecord,
} from '@tmcp-sessions/core/backend';
import { isShardLabel, ROOT_SHARD, shardOfSession } from '@tmcp-sessions/core/internal';

import { DEFAULT_BINDING, sessionShards, shardRequirement } from './binding.ts';
import type { SessionShardBinding } from './binding.ts';
import { DurableObjectStateStore } from './durable-object-state-store.ts';
import { PACKAGE } from './package-name.ts';
import {
	locationInShard,
	locationOfObject,
	locationOfSession,
	objectIndexOf,
	OBJECTS_PER_SHARD,
} from './placement.ts';
import type { ObjectLocation } from './placement.ts';
import { retryTransient } from './retry.ts';
import type { SessionShard, StoredText, UpdateOutcome } from './session-shard.ts';

const MAX_ID_BYTES = 1024;
/** How long the list of shards keeps one after its last new session: longer than sessions live by default. */
const SHARD_LISTED_MS = 90 * 24 * 60 * 60 * 1_000;
/** The objects that one page of a listing reads at most, so that it fits in a request. */
const OBJECTS_PER_PAGE = OBJECTS_PER_SHARD;

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

/** Where a listing continues: after a session of an object. */
type Position = readonly [shard: string, index: number, afterId: string];

/** Stores sessions in Durable Objects of the class `SessionShard`. Strongly consistent. */
export class DurableObjectSessionStore
	implements
		SessionStore,
		SessionDirectory,
		DirectoryProvider,
		StateProvider,
		SingleUse,
		BindingUser
{
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
	/** The shards that this isolate has listed. */
	readonly #listedShards = new Set([ROOT_SHARD]);
	#state: StateStore | undefined;
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

	get directory(): SessionDirectory {
		return this;
	}

	get state(): StateStore {
		return (this.#state ??= new DurableObjectStateStore(
			(operation, key, method) => this.#call(operation, locationOfSession(key), method),
			MAX_ID_BYTES,
		));
	}

	requiredBindings(): readonly BindingRequirement[] {
		return [shardRequirement(this.#binding)];
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
		await this.#listShard(shardOfSession(key));
		await this.#call('storing a session', locationOfSession(key), (object) =>
			object.create(key, JSON.stringify(record), record.expiresAtMs),
		);
	}

	async update(id: string, patch: SessionPatch, ifAbsent?: SessionRecord): Promise<boolean> {
		const key = encode(id);
		const result = await this.#call(
			'updating a session',
			locationOfSession(key),
			async (object): Promise<UpdateOutcome> => object.update(key, patch, this.#now(), ifAbsent),
		);
		// Throws the `CorruptRecordError` again: RPC does not preserve the class of an error.
		if (result.outcome === 'corrupt') parseSessionRecord(result.text, PACKAGE);
		return result.outcome === 'updated';
	}

	async delete(id: string, untilMs: number = this.#now() + DEFAULT_ENDED_MS): Promise<void> {
		const key = encode(id);
		const shards = await this.#call('ending a session', locationOfSession(key), (object) =>
			object.end(key, untilMs),
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
		const uriHash = await hashText(uri);
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
		await this.#removeSubscriber(await hashText(uri), encode(id));
	}

	async subscribers(uri: string): Promise<string[]> {
		const uriHash = await hashText(uri);
		const location = locationOfObject(objectIndexOf(uriHash));
		const keys = await this.#call('finding subscribers', location, (object) =>
			object.subscribers(uriHash, this.#now()),
		);
		return keys.map(decodeURIComponent);
	}

	addOwner(owner: string, id: string, untilMs: number): Promise<void> {
		const key = encode(id);
		return this.#callOwner('indexing a session', owner, (object) =>
			object.addOwner(owner, key, untilMs),
		);
	}

	async sessionsOf(owner: string): Promise<OwnedSession[]> {
		const owned = await this.#callOwner('finding the sessions of a principal', owner, (object) =>
			object.sessionsOf(owner, this.#now()),
		);
		return owned.map(({ id, untilMs }) => ({ id: decodeURIComponent(id), untilMs }));
	}

	removeOwned(owner: string, ids: readonly string[]): Promise<void> {
		const keys = ids.map(encode);
		return this.#callOwner('ending the sessions of a principal', owner, (object) =>
			object.removeOwned(owner, keys),
		);
	}

	/** Reads the objects one after the other: those of the root shard, then those of each listed shard. */
	async list(cursor: string | undefined, limit: number): Promise<DirectoryPage> {
		let position: Position | undefined = cursor === undefined ? [ROOT_SHARD, 0, ''] : parse(cursor);
		const sessions: StoredSessionRecord[] = [];
		for (let objects = 0; position && objects < OBJECTS_PER_PAGE; objects++) {
			const [shard, index, afterId]: Position = position;
			const left = limit - sessions.length;
			const rows: readonly StoredText[] = await this.#call(
				'listing sessions',
				locationInShard(shard, index),
				(object) => object.list(afterId, left, this.#now()),
			);
			for (const { id, text } of rows) {
				const record = this.#listed(text);
				if (record) sessions.push({ id: decodeURIComponent(id), record });
			}
			const last = rows.at(-1);
			position =
				rows.length === left && last ? [shard, index, last.id] : await this.#next(shard, index);
			if (sessions.length === limit) break;
		}
		return { sessions, cursor: position && JSON.stringify(position) };
	}

	/** Each call has its own claimant id, so that a retry after a lost response is the same claim. */
	claim(id: string, untilMs: number): Promise<boolean> {
		const claimant = crypto.randomUUID();
		return this.#call('claiming an id', locationOfObject(objectIndexOf(id)), (object) =>
			object.claim(id, claimant, untilMs),
		);
	}

	/** Returns the position after an object. */
	async #next(shard: string, index: number): Promise<Position | undefined> {
		if (index + 1 < OBJECTS_PER_SHARD) return [shard, index + 1, ''];
		const shards = await this.#call('listing shards', locationOfObject(0), (object) =>
			object.shards(),
		);
		const next = shards.find((label) => shard === ROOT_SHARD || label > shard);
		return next === undefined ? undefined : [next, 0, ''];
	}

	#listed(text: string): SessionRecord | undefined {
		try {
			return parseLiveSessionRecord(text, PACKAGE, this.#now());
		} catch {
			return undefined; // A corrupt record is no session.
		}
	}

	/** Lists a shard at its first session in this isolate, so that listings find it. */
	async #listShard(shard: string): Promise<void> {
		if (this.#listedShards.has(shard)) return;
		await this.#call('listing a shard', locationOfObject(0), (object) =>
			object.addShard(shard, this.#now() + SHARD_LISTED_MS),
		);
		this.#listedShards.add(shard);
	}

	#callOwner<Result>(
		operation: string,
		owner: string,
		method: (object: DurableObjectStub<SessionShard>) => Promise<Result>,
	): Promise<Result> {
		return this.#call(operation, locationOfObject(objectIndexOf(owner)), method);
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
			return retryTransient(() => method(object()), this.#sleep).catch((cause: unknown) => {
				throw classErrorOf(shardRequirement(this.#binding), cause) ?? cause;
			});
		});
	}
}

function encode(id: string): string {
	return encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
}

/** @throws {TmcpSessionsError} `configuration`, if `list` has not returned this cursor. */
function parse(cursor: string): Position {
	let value: unknown;
	try {
		value = JSON.parse(cursor);
	} catch {
		throw invalidCursor(PACKAGE);
	}
	const fields: readonly unknown[] = Array.isArray(value) ? value : [];
	const [shard, index, afterId] = fields;
	const isValid =
		typeof shard === 'string' &&
		isShardLabel(shard) &&
		typeof index === 'number' &&
		Number.isInteger(index) &&
		index >= 0 &&
		index < OBJECTS_PER_SHARD &&
		typeof afterId === 'string';
	if (!isValid) throw invalidCursor(PACKAGE);
	return [shard, index, afterId];
}
