import { setTimeout as delay } from 'node:timers/promises';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { increment } from './counts.ts';
import type { Counts } from './counts.ts';
import { pick, shuffled } from './random.ts';
import type { Random } from './random.ts';
import type { StreamClient } from './stream-client.ts';

/** The time after which a fault counts as failed. */
const FAULT_MS = 15_000;
/** The largest share of clients that one fault disconnects or stalls. */
const SHARE_OF_CLIENTS = 0.05;
const MAX_STALL_MS = 3_000;
/** More than the server and the buffers of both kernels hold for a reader. */
const FLOOD = { messages: 60, padding: 'x'.repeat(200_000) };
const CONNECTED_MS = 10_000;

export const faultKinds = [
	'connections destroyed',
	'readers stalled',
	'readers stalled until disconnected',
	'objects hibernated',
	'objects evicted, sockets closed',
	'objects aborted',
	'Workers restarted',
] as const;
/** A kind of fault. */
export type FaultKind = (typeof faultKinds)[number];

/** The running Workers and clients into which faults are injected. */
export interface FaultTargets {
	readonly workers: Workers<'a' | 'b'>;
	readonly clients: readonly StreamClient[];
	readonly random: Random;
	/** Publishes a message of some size to a client. */
	readonly publishTo: (client: StreamClient, padding: string) => Promise<void>;
}

/** Injects faults and counts those that took effect. */
export class Faults {
	readonly #targets: FaultTargets;
	readonly happened: Counts = new Map(faultKinds.map((kind) => [kind, 0]));
	/** The reasons of faults that did not take effect. */
	readonly failed: Counts = new Map();

	constructor(targets: FaultTargets) {
		this.#targets = targets;
	}

	/** Injects each kind so many times, in random order. Later faults are delayed if one takes long. */
	async inject(kinds: readonly FaultKind[], times: number, overMs: number): Promise<void> {
		const { random } = this.#targets;
		const order = shuffled(random, Array.from({ length: times }, () => kinds).flat());
		const intervalMs = overMs / Math.max(order.length, 1);
		let nextMs = performance.now();
		for (const kind of order) {
			nextMs += intervalMs;
			const waitMs = (nextMs - performance.now()) * (0.5 + random());
			if (waitMs > 0) await delay(waitMs);
			await this.#injectOne(kind);
		}
	}

	async #injectOne(kind: FaultKind): Promise<void> {
		const { promise: timedOut, reject } = Promise.withResolvers<never>();
		const timer = setTimeout(() => reject(new Error('timed out')), FAULT_MS);
		try {
			increment(this.happened, kind, await Promise.race([this.#injections[kind](), timedOut]));
		} catch (error) {
			increment(this.failed, `${kind}: ${error instanceof Error ? error.message : String(error)}`);
		} finally {
			clearTimeout(timer);
		}
	}

	/** Each returns how often the fault took effect. */
	readonly #injections: Readonly<Record<FaultKind, () => Promise<number>>> = {
		'connections destroyed': async () => {
			for (const client of await this.#someClients()) client.destroy();
			return 1;
		},
		'readers stalled': async () => {
			for (const client of await this.#someClients()) {
				client.stall();
				setTimeout(() => client.resume(), this.#targets.random() * MAX_STALL_MS);
			}
			return 1;
		},
		'readers stalled until disconnected': () => this.#flood(),
		'objects hibernated': () => this.#targets.workers.evict({ webSockets: 'hibernate' }),
		'objects evicted, sockets closed': () => this.#targets.workers.evict({ webSockets: 'close' }),
		'objects aborted': () => this.#abort(),
		'Workers restarted': async () => {
			await this.#targets.workers.restart();
			return 1;
		},
	};

	async #abort(): Promise<number> {
		const { workers, random } = this.#targets;
		const ids = await workers.miniflare.listDurableObjectIds('SyncLayer', 'a');
		const url = new URL('/abort', workers.url(pick(random, ['a', 'b'])));
		const response = await fetch(url, { method: 'POST', body: JSON.stringify(ids) });
		if (!response.ok) throw new Error(`/abort must succeed; got ${response.status}`);
		return ids.length;
	}

	/** Stalls one reader and sends it more than all buffers hold. */
	async #flood(): Promise<number> {
		const [client] = await this.#someClients();
		if (!client) return 0;
		const before = client.disconnections;
		client.stall();
		for (let message = 0; message < FLOOD.messages; message += 1) {
			await this.#targets.publishTo(client, FLOOD.padding);
		}
		client.resume();
		return (await until(() => client.disconnections > before, CONNECTED_MS)) ? 1 : 0;
	}

	/** Returns some connected clients. Waits until there are any, and rejects after a timeout. */
	async #someClients(): Promise<StreamClient[]> {
		const { clients, random } = this.#targets;
		const connected = (): StreamClient[] => clients.filter(({ isConnected }) => isConnected);
		if (!(await until(() => connected().length > 0, CONNECTED_MS))) {
			throw new Error('a client must be connected; found none');
		}
		const most = Math.max(1, Math.floor(clients.length * SHARE_OF_CLIENTS));
		return shuffled(random, connected()).slice(0, 1 + Math.floor(random() * most));
	}
}

/** Waits for a condition and returns whether it holds. */
async function until(holds: () => boolean, withinMs: number): Promise<boolean> {
	const deadlineMs = performance.now() + withinMs;
	while (!holds() && performance.now() < deadlineMs) await delay(20);
	return holds();
}
