import { setTimeout as delay } from 'node:timers/promises';
import type { WorkerdVersion, Workers } from '@tmcp-sessions/testkit/workerd';
import type { Counts } from './ledger.ts';
import type { StreamClient } from './stream-client.ts';

/** The time after which a fault counts as failed. */
const FAULT_MS = 15_000;
/** The largest share of clients that one fault disconnects or stalls. */
const SHARE_OF_CLIENTS = 0.05;
const MAX_STALL_MS = 3_000;
/** More than the server and the buffers of both kernels hold for a reader. */
const FLOOD = { messages: 60, padding: 'x'.repeat(200_000) };
const CONNECTED_MS = 10_000;
const RETRY_MS = 200;

/** The clients into which faults are injected. */
export interface FaultTargets {
	readonly clients: readonly StreamClient[];
	readonly random: () => number;
	/** Publishes a message of some size to a client. */
	readonly publishTo: (client: StreamClient, padding: string) => Promise<void>;
}

/** Faults by their kind. Each injects one and resolves with how often it took effect. */
export type Faults = Readonly<Record<string, (targets: FaultTargets) => Promise<number>>>;

/** The faults of clients and connections, which need no access to the Workers. */
export const clientFaults: Faults = {
	'connections destroyed': async (targets) => {
		for (const client of await someClients(targets)) client.destroy();
		return 1;
	},
	'readers stalled': async (targets) => {
		for (const client of await someClients(targets)) {
			client.stall();
			setTimeout(() => client.resume(), targets.random() * MAX_STALL_MS);
		}
		return 1;
	},
};

/**
 * Returns the faults of local Workers.
 *
 * @param classNames the classes of their Durable Objects.
 * @param canFlood whether a message can be published to one session.
 */
export function faultsOf(
	workers: Workers<'a' | 'b'>,
	version: WorkerdVersion,
	classNames: readonly string[],
	canFlood: boolean,
): Faults {
	// workerd of 2026-07-30 may wait forever for an eviction while a socket is being opened.
	const evictions = version === 'current' ? evictionsOf(workers, classNames) : {};
	return {
		...clientFaults,
		...(canFlood && { ...floods, ...handOversOf(workers, classNames) }),
		...evictions,
		...restartsOf(workers, classNames),
	};
}

const floods: Faults = {
	/** Stalls one reader and sends it more than all buffers hold. */
	'readers stalled until disconnected': async (targets) => {
		const [client] = await someClients(targets);
		if (!client) return 0;
		const before = client.disconnections;
		client.stall();
		for (let message = 0; message < FLOOD.messages; message += 1) {
			await targets.publishTo(client, FLOOD.padding);
		}
		client.resume();
		return (await until(() => client.disconnections > before)) ? 1 : 0;
	},
};

/** Resets the connection of a stream whose socket receives messages for others of its group. */
function handOversOf(workers: Workers<'a' | 'b'>, classNames: readonly string[]): Faults {
	const findLeader = async (
		clients: readonly StreamClient[],
	): Promise<StreamClient | undefined> => {
		const ids = await objectIds(workers, classNames);
		const sessions = await post<string[]>(new URL('/leaders', workers.url('a')), ids);
		return clients.find(
			({ session, isConnected }) =>
				isConnected && sessions.includes(session.slice(0, session.lastIndexOf('.'))),
		);
	};
	return {
		'receivers of a group disconnected': async ({ clients, random }) => {
			// After another fault, the Workers start and the streams open again before they form groups.
			const deadlineMs = performance.now() + CONNECTED_MS;
			let leader: StreamClient | undefined;
			while (!leader) {
				await delay(RETRY_MS);
				const isLast = performance.now() > deadlineMs;
				leader = await findLeader(shuffled(random, clients)).catch((error: unknown) => {
					if (isLast) throw error;
					return undefined;
				});
				if (isLast) break;
			}
			leader?.destroy();
			return leader ? 1 : 0;
		},
	};
}

async function objectIds(
	{ miniflare }: Workers<'a' | 'b'>,
	classNames: readonly string[],
): Promise<string[]> {
	const lists = classNames.map((name) => miniflare.listDurableObjectIds(name, 'a'));
	return (await Promise.all(lists)).flat();
}

async function post<Json>(url: URL, body: unknown): Promise<Json> {
	const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
	if (!response.ok) throw new Error(`${url.pathname} must succeed; got ${response.status}`);
	return (await response.json()) as Json; // Safe because the Workers of the soak return this.
}

function evictionsOf(workers: Workers<'a' | 'b'>, classNames: readonly string[]): Faults {
	const evict = async (webSockets: 'close' | 'hibernate'): Promise<number> => {
		let count = 0;
		for (const className of classNames) count += await workers.evict({ className, webSockets });
		return count;
	};
	return {
		'objects hibernated': () => evict('hibernate'),
		'objects evicted, sockets closed': () => evict('close'),
	};
}

function restartsOf(workers: Workers<'a' | 'b'>, classNames: readonly string[]): Faults {
	return {
		'objects aborted': async ({ random }) => {
			const ids = await objectIds(workers, classNames);
			await post<null>(new URL('/abort', workers.url(random() < 0.5 ? 'a' : 'b')), ids);
			return ids.length;
		},
		'Workers restarted': async () => {
			await workers.restart();
			return 1;
		},
	};
}

/** Injects each kind so many times, in random order. Later faults are delayed if one takes long. */
export async function injectFaults(
	targets: FaultTargets,
	faults: Faults,
	{ times, overMs }: { readonly times: number; readonly overMs: number },
	{ happened, failed }: { readonly happened: Counts; readonly failed: Counts },
): Promise<void> {
	const kinds = Object.entries(faults);
	for (const [kind] of kinds) happened.add(kind, 0);
	const order = shuffled(targets.random, Array.from({ length: times }, () => kinds).flat());
	const intervalMs = overMs / Math.max(order.length, 1);
	let nextMs = performance.now();
	for (const [kind, inject] of order) {
		nextMs += intervalMs;
		const waitMs = (nextMs - performance.now()) * (0.5 + targets.random());
		if (waitMs > 0) await delay(waitMs);
		const timedOut = delay(FAULT_MS, undefined, { ref: false }).then(() => {
			throw new Error('timed out');
		});
		try {
			happened.add(kind, await Promise.race([inject(targets), timedOut]));
		} catch (error) {
			failed.add(`${kind}: ${error instanceof Error ? error.message : String(error)}`);
		}
		timedOut.catch(() => {});
	}
}

/** Returns some connected clients. Waits until there are any, and rejects after a timeout. */
async function someClients({ clients, random }: FaultTargets): Promise<StreamClient[]> {
	const connected = (): StreamClient[] => clients.filter(({ isConnected }) => isConnected);
	if (!(await until(() => connected().length > 0))) {
		throw new Error('a client must be connected; found none');
	}
	const most = Math.max(1, Math.floor(clients.length * SHARE_OF_CLIENTS));
	return shuffled(random, connected()).slice(0, 1 + Math.floor(random() * most));
}

function shuffled<Item>(random: () => number, items: readonly Item[]): Item[] {
	const ordered = items.map((item) => ({ item, order: random() }));
	return ordered.toSorted((a, b) => a.order - b.order).map(({ item }) => item);
}

/** Waits for a condition and returns whether it holds. */
async function until(holds: () => boolean): Promise<boolean> {
	const deadlineMs = performance.now() + CONNECTED_MS;
	while (!holds() && performance.now() < deadlineMs) await delay(20);
	return holds();
}
