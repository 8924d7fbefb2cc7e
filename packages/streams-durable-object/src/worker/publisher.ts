import { classErrorOf, currentScope, keepRequestAlive } from '@tmcp-sessions/core/backend';
import type { RequestScope } from '@tmcp-sessions/core/backend';
import { ROOT_SHARD } from '@tmcp-sessions/core/internal';
import { waitUntil } from 'cloudflare:workers';

import { layersRequirement, syncLayer } from './binding.ts';
import type { SyncLayers } from './binding.ts';
import { ShardCache } from './shard-cache.ts';
import type { SyncLayer } from '../object/sync-layer.ts';
import { createStreamError } from '../stream-error.ts';
import {
	isForAllShards,
	publicationProblem,
	splitByRpcSize,
	splitByShard,
} from '../wire/publication.ts';
import type { Publication } from '../wire/publication.ts';

interface PendingPublication {
	readonly publication: Publication;
	/** The part for each shard, unless the publication is for all shards. */
	readonly byShard: ReadonlyMap<string, Publication>;
	readonly onFailure: (cause: unknown) => void;
	readonly settle: () => void;
}

type Stub = DurableObjectStub<SyncLayer>;

/**
 * Sends publications to the shards. The publications of one turn go to each shard in a single RPC,
 * whichever manager they come from.
 *
 * A publication for all goes to the root, and at the same time to the shards that the isolate knows.
 * The root's answer lists all shards, and those that were not covered receive it then. Each shard
 * receives the publications of a request in order.
 */
class Publisher {
	readonly #layers: SyncLayers;
	readonly #shards = new ShardCache();
	/** The publications of one turn: workerd drains its microtasks before another request runs. */
	readonly #pending: PendingPublication[] = [];
	/** RPCs on one stub arrive in order. A stub belongs to the request that created it. */
	readonly #stubs = new WeakMap<RequestScope, Map<string, Stub>>();

	constructor(layers: SyncLayers) {
		this.#layers = layers;
	}

	/**
	 * Resolves when the publication has been sent to every shard that can be reached. Never rejects.
	 *
	 * @param onFailure called once for each RPC that fails.
	 */
	publish(publication: Publication, onFailure: (cause: unknown) => void): Promise<void> {
		const { promise, resolve } = Promise.withResolvers<void>();
		const byShard = splitByShard(publication);
		this.#pending.push({ publication, byShard, onFailure, settle: resolve });
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

	async #sendAll(pending: readonly PendingPublication[]): Promise<void> {
		const ready = [ROOT_SHARD, ...this.#shards.ready()];
		const named = [...new Set(pending.flatMap(({ byShard }) => [...byShard.keys()]))];
		const waiting = this.#shards.isDiscovering
			? named.filter((shard) => !ready.includes(shard))
			: [];
		const hasForAll = pending.some(({ publication }) => isForAllShards(publication));
		const direct = new Set(hasForAll ? [...ready, ...named] : named);
		for (const shard of waiting) direct.delete(shard);
		const needsRoot = hasForAll || waiting.length > 0;
		if (needsRoot) direct.delete(ROOT_SHARD);
		await Promise.all([
			...[...direct].map((shard) => this.#send(shard, pending)),
			...(needsRoot ? [this.#sendByRoot(pending, direct, waiting)] : []),
		]);
	}

	/** Sends to the root, and then to the shards that its answer lists and that are not covered yet. */
	async #sendByRoot(
		pending: readonly PendingPublication[],
		covered: ReadonlySet<string>,
		waiting: readonly string[],
	): Promise<void> {
		const publish = this.#shards.begin(Date.now());
		const shards = await this.#send(ROOT_SHARD, pending);
		this.#shards.end(publish, shards);
		const all = new Set([...(shards ?? []), ...waiting]);
		const late = [...all].filter((shard) => !covered.has(shard) && shard !== ROOT_SHARD);
		await Promise.all(late.map((shard) => this.#send(shard, pending)));
	}

	/** @returns the shards that the object lists; `undefined` if every RPC failed. The root lists all. */
	async #send(
		shard: string,
		pending: readonly PendingPublication[],
	): Promise<string[] | undefined> {
		const own = pending.flatMap((each) => {
			const publication = isForAllShards(each.publication)
				? each.publication
				: each.byShard.get(shard);
			return publication ? [{ publication, onFailure: each.onFailure }] : [];
		});
		// An empty RPC asks the root for the shards.
		const batches = own.length > 0 || shard !== ROOT_SHARD ? splitByRpcSize(own) : [[]];
		const answers = await Promise.all(batches.map((batch) => this.#call(shard, batch)));
		return answers.find((shards) => shards !== undefined);
	}

	async #call(
		shard: string,
		batch: readonly Pick<PendingPublication, 'publication' | 'onFailure'>[],
	): Promise<string[] | undefined> {
		try {
			return await this.#stub(shard).publish(batch.map(({ publication }) => publication));
		} catch (cause) {
			// A stub that has failed stays broken.
			this.#stubsOfRequest().delete(shard);
			for (const { onFailure } of batch) onFailure(cause);
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
 * Returns the isolate's publisher for these objects, which all managers with the same binding share.
 * Bindings are not compared by the namespace that they resolve to: a wrapper of `env` may return a new
 * namespace each time.
 */
function publisherOf(layers: SyncLayers): Publisher {
	const { binding, jurisdiction = '' } = layers;
	const existing =
		typeof binding === 'string'
			? publishersByName.get(binding)
			: publishersByNamespace.get(binding);
	const byJurisdiction = existing ?? new Map<string, Publisher>();
	if (typeof binding === 'string') publishersByName.set(binding, byJurisdiction);
	else publishersByNamespace.set(binding, byJurisdiction);
	const publisher = byJurisdiction.get(jurisdiction) ?? new Publisher(layers);
	byJurisdiction.set(jurisdiction, publisher);
	return publisher;
}

/**
 * Publishes to every shard that may have receivers, and keeps the current request alive until then.
 * Never rejects, since transports do not wait: failures are reported.
 */
export function publish(
	layers: SyncLayers,
	publication: Publication,
	report: (cause: unknown) => void,
): Promise<void> {
	const publishing = publishOrReport(layers, publication, (cause) => {
		const operation = 'frame' in publication ? 'sending to streams' : 'notifying subscriptions';
		report(classErrorOf(layersRequirement(layers), cause) ?? createStreamError(operation, cause));
	});
	keepRequestAlive(publishing, waitUntil);
	return publishing;
}

async function publishOrReport(
	layers: SyncLayers,
	publication: Publication,
	onFailure: (cause: unknown) => void,
): Promise<void> {
	try {
		const problem = publicationProblem(publication);
		if (problem) onFailure(problem);
		else await publisherOf(layers).publish(publication, onFailure);
	} catch (cause) {
		onFailure(cause);
	}
}
