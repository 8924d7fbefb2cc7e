import type { Workers } from '@tmcp-sessions/testkit/workerd';

import { pick, shuffled } from './random.ts';
import type { Random } from './random.ts';
import type { StreamClient } from './stream-client.ts';

/** A fault that has not happened by then never will. */
const FAULT_MS = 15_000;
/** Of the streams, at most: how many lose their connection, or are not read, at once. */
const SHARE_OF_CLIENTS = 0.05;
const MAX_STALL_MS = 3_000;
/** What it takes to have a reader cut: more than the server and both kernels keep for it. */
const FLOOD = { messages: 60, padding: 'x'.repeat(200_000) };
const CONNECTED_MS = 10_000;

export const faultKinds = [
	'connections destroyed',
	'readers stalled',
	'readers stalled until they were cut',
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
	/** Publishes a message of some size to a client. */
	readonly publishTo: (client: StreamClient, padding: string) => Promise<void>;
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
		'connections destroyed': async () => {
			for (const client of await this.#someClients()) client.destroy();
			return 1;
		},
		'readers stalled': async () => {
			for (const client of await this.#someClients()) {
				client.stall();
				setTimeout(() => client.resume(), this.#scene.random() * MAX_STALL_MS);
			}
			return 1;
		},
		'readers stalled until they were cut': () => this.#flood(),
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

	/** One reader stalls while it is sent more than anybody keeps for it. */
	async #flood(): Promise<number> {
		const [client] = await this.#someClients();
		if (!client) return 0;
		const before = client.cuts;
		client.stall();
		for (let message = 0; message < FLOOD.messages; message++) {
			await this.#scene.publishTo(client, FLOOD.padding);
		}
		client.resume();
		const isCut = await until(() => client.cuts > before, CONNECTED_MS);
		return isCut ? 1 : 0;
	}

	/** Some that are connected, as soon as there are any. @throws {Error} where nobody connects. */
	async #someClients(): Promise<StreamClient[]> {
		const { clients, random } = this.#scene;
		const connected = (): StreamClient[] => clients.filter(({ isConnected }) => isConnected);
		if (!(await until(() => connected().length > 0, CONNECTED_MS))) {
			throw new Error('no client is connected');
		}
		const most = Math.max(1, Math.floor(clients.length * SHARE_OF_CLIENTS));
		return shuffled(random, connected()).slice(0, 1 + Math.floor(random() * most));
	}
}

/** Whether something came to hold within a time. */
async function until(holds: () => boolean, withinMs: number): Promise<boolean> {
	const deadline = performance.now() + withinMs;
	while (!holds() && performance.now() < deadline) {
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	return holds();
}
