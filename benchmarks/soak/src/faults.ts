import type { Workers } from '@tmcp-sessions/testkit/workerd';

import { pick, shuffled } from './random.ts';
import type { Random } from './random.ts';
import type { StreamClient } from './stream-client.ts';

/** A fault that has not happened by then never will. */
const FAULT_MS = 15_000;
/** Of the streams, at most: how many lose their connection, or are not read, at once. */
const SHARE_OF_CLIENTS = 0.05;
const MAX_STALL_MS = 3_000;

export const faultKinds = [
	'connections destroyed',
	'readers stalled',
	'objects hibernated',
	'objects evicted, sockets closed',
	'objects aborted',
	'Workers restarted',
] as const;
/** What is done to a run. */
export type FaultKind = (typeof faultKinds)[number];

/** What faults are caused in. */
export interface FaultScene {
	readonly workers: Workers<'a' | 'b'>;
	readonly clients: readonly StreamClient[];
	readonly random: Random;
}

/** Causes faults, and counts those that happened. */
export class Faults {
	readonly #scene: FaultScene;
	readonly happened = new Map<FaultKind, number>(faultKinds.map((kind) => [kind, 0]));
	/** Why others did not, with how often. */
	readonly failed = new Map<string, number>();

	constructor(scene: FaultScene) {
		this.#scene = scene;
	}

	/** So many of each kind, in some order, at intervals of some length; later ones where one takes long. */
	async cause(kinds: readonly FaultKind[], times: number, overMs: number): Promise<void> {
		const { random } = this.#scene;
		const order = shuffled(random, Array.from({ length: times }, () => kinds).flat());
		const interval = overMs / Math.max(order.length, 1);
		let nextAtMs = performance.now();
		for (const kind of order) {
			nextAtMs += interval;
			const wait = (nextAtMs - performance.now()) * (0.5 + random());
			if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
			await this.#causeOne(kind);
		}
	}

	async #causeOne(kind: FaultKind): Promise<void> {
		const { promise: late, reject } = Promise.withResolvers<never>();
		const timer = setTimeout(() => reject(new Error('took too long')), FAULT_MS);
		try {
			const count = await Promise.race([this.#ways[kind](), late]);
			this.happened.set(kind, (this.happened.get(kind) ?? 0) + count);
		} catch (error) {
			const reason = `${kind}: ${error instanceof Error ? error.message : String(error)}`;
			this.failed.set(reason, (this.failed.get(reason) ?? 0) + 1);
		} finally {
			clearTimeout(timer);
		}
	}

	/** Each returns how often the fault happened. */
	readonly #ways: Readonly<Record<FaultKind, () => Promise<number>>> = {
		'connections destroyed': async () => count(this.#someClients(), (client) => client.destroy()),
		'readers stalled': async () =>
			count(this.#someClients(), (client) => client.stall(this.#scene.random() * MAX_STALL_MS)),
		'objects hibernated': () => this.#scene.workers.evict({ webSockets: 'hibernate' }),
		'objects evicted, sockets closed': () => this.#scene.workers.evict({ webSockets: 'close' }),
		'objects aborted': () => this.#abort(),
		'Workers restarted': async () => {
			await this.#scene.workers.restart();
			return 1;
		},
	};

	async #abort(): Promise<number> {
		const { workers, random } = this.#scene;
		const ids = await workers.miniflare.listDurableObjectIds('SyncLayer', 'a');
		const url = new URL('/abort', workers.url(pick(random, ['a', 'b'])));
		const response = await fetch(url, { method: 'POST', body: JSON.stringify(ids) });
		if (!response.ok) throw new Error(`answered ${response.status}`);
		return ids.length;
	}

	#someClients(): StreamClient[] {
		const { clients, random } = this.#scene;
		const most = Math.max(1, Math.floor(clients.length * SHARE_OF_CLIENTS));
		return shuffled(random, clients).slice(0, 1 + Math.floor(random() * most));
	}
}

/** One fault, however many clients it met; none where it met nobody. */
function count(clients: readonly StreamClient[], cause: (client: StreamClient) => boolean): number {
	return clients.filter(cause).length > 0 ? 1 : 0;
}
