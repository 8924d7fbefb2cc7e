import { currentScope } from '@tmcp-sessions/core/backend';
import type { RequestScope } from '@tmcp-sessions/core/backend';
import { ROOT_SHARD } from '@tmcp-sessions/core/internal';

import { syncLayer } from './binding.ts';
import type { SyncLayers } from './binding.ts';
import { ShardCache } from './shard-cache.ts';
import { isForAllShards, splitByRpcSize, splitByShard } from '../wire/publication.ts';
import type { Publication } from '../wire/publication.ts';
import type { SyncLayer } from '../object/sync-layer.ts';

/** A publication on its way. */
interface Pending {
	readonly publication: Publication;
	/** What goes to which shard, where it is not for all. */
	readonly parts: ReadonlyMap<string, Publication>;
	readonly onFailure: (cause: unknown) => void;
	readonly settle: () => void;
}

type Stub = DurableObjectStub<SyncLayer>;

/**
 * The way to the shards for what is published. What is published in the same turn goes to each shard
 * in one call, whichever manager it came from.
 *
 * What is for all goes to the root and at once to the shards that are known here. The root's answer
 * names all that there are, and those that were not covered get it then. Each shard gets what a
 * request publishes in order.
 */
export class Publisher {
	readonly #layers: SyncLayers;
	readonly #known = new ShardCache();
	/** Of one turn: workerd has run its microtasks before another request has one. */
	readonly #pending: Pending[] = [];
	/** Calls of one stub arrive in order. It is of the request that made it. */
	readonly #stubs = new WeakMap<RequestScope, Map<string, Stub>>();

	constructor(layers: SyncLayers) {
		this.#layers = layers;
	}

	/**
	 * Resolves when all shards have it that could be reached; never rejects.
	 *
	 * @param onFailure told once for each call that failed.
	 */
	publish(publication: Publication, onFailure: (cause: unknown) => void): Promise<void> {
		const { promise, resolve } = Promise.withResolvers<void>();
		const parts = splitByShard(publication);
		this.#pending.push({ publication, parts, onFailure, settle: resolve });
		queueMicrotask(() => void this.#flush());
		return promise;
	}

	async #flush(): Promise<void> {
		const pending = this.#pending.splice(0);
		try {
			if (pending.length > 0) await this.#sendAll(pending);
		} catch (cause) {
			for (const { onFailure } of pending) onFailure(cause);
		}
		for (const { settle } of pending) settle();
	}

	async #sendAll(pending: readonly Pending[]): Promise<void> {
		const ready = this.#known.ready();
		const named = [...new Set(pending.flatMap(({ parts }) => [...parts.keys()]))];
		const waiting = this.#known.isSearching ? named.filter((shard) => !ready.includes(shard)) : [];
		const hasForAll = pending.some(({ publication }) => isForAllShards(publication));
		const now = new Set(hasForAll ? [...ready, ...named] : named);
		for (const shard of waiting) now.delete(shard);
		const isAsking = hasForAll || waiting.length > 0;
		if (isAsking) now.delete(ROOT_SHARD);
		await Promise.all([
			...[...now].map((shard) => this.#send(shard, pending)),
			...(isAsking ? [this.#sendByRoot(pending, now, waiting)] : []),
		]);
	}

	/** Sends to the root, and then to the shards that it names and that were not covered. */
	async #sendByRoot(
		pending: readonly Pending[],
		covered: ReadonlySet<string>,
		waiting: readonly string[],
	): Promise<void> {
		const publish = this.#known.begin(Date.now());
		const shards = await this.#send(ROOT_SHARD, pending);
		this.#known.end(publish, shards);
		const left = new Set([...(shards ?? []), ...waiting]);
		const late = [...left].filter((shard) => !covered.has(shard) && shard !== ROOT_SHARD);
		await Promise.all(late.map((shard) => this.#send(shard, pending)));
	}

	/** @returns the shards that the object names: the root names all. None where it failed. */
	async #send(shard: string, pending: readonly Pending[]): Promise<string[] | undefined> {
		const own = pending.flatMap((each) => {
			const publication = isForAllShards(each.publication)
				? each.publication
				: each.parts.get(shard);
			return publication ? [{ publication, onFailure: each.onFailure }] : [];
		});
		// Without anything to say the root is asked all the same.
		const calls = own.length > 0 || shard !== ROOT_SHARD ? splitByRpcSize(own) : [[]];
		const answers = await Promise.all(calls.map((call) => this.#call(shard, call)));
		return answers.find((shards) => shards !== undefined);
	}

	async #call(
		shard: string,
		call: readonly Pick<Pending, 'publication' | 'onFailure'>[],
	): Promise<string[] | undefined> {
		try {
			return await this.#stub(shard).publish(call.map(({ publication }) => publication));
		} catch (cause) {
			// A stub that has failed stays broken.
			this.#stubsOfRequest().delete(shard);
			for (const { onFailure } of call) onFailure(cause);
			return undefined;
		}
	}

	#stub(shard: string): Stub {
		const stubs = this.#stubsOfRequest();
		const stub = stubs.get(shard) ?? syncLayer(this.#layers, shard);
		stubs.set(shard, stub);
		return stub;
	}

	#stubsOfRequest(): Map<string, Stub> {
		const scope = currentScope();
		const stubs = (scope && this.#stubs.get(scope)) ?? new Map<string, Stub>();
		if (scope) this.#stubs.set(scope, stubs);
		return stubs;
	}
}

const publishersByName = new Map<string, Map<string, Publisher>>();
const publishersByNamespace = new WeakMap<object, Map<string, Publisher>>();

/**
 * The publisher of an isolate: the same for all managers of these objects that were given the same
 * binding. Not for all whose binding is found to be the same: whoever wraps `env` may make a new
 * object each time.
 */
export function publisherOf(layers: SyncLayers): Publisher {
	const { binding, jurisdiction = '' } = layers;
	const known =
		typeof binding === 'string'
			? publishersByName.get(binding)
			: publishersByNamespace.get(binding);
	const byJurisdiction = known ?? new Map<string, Publisher>();
	if (typeof binding === 'string') publishersByName.set(binding, byJurisdiction);
	else publishersByNamespace.set(binding, byJurisdiction);
	const publisher = byJurisdiction.get(jurisdiction) ?? new Publisher(layers);
	byJurisdiction.set(jurisdiction, publisher);
	return publisher;
}
