import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '@tmcp-sessions/testkit';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { WorkerdVersion } from '@tmcp-sessions/testkit/workerd';
import { faultsOf, injectFaults } from './faults.ts';
import type { Faults } from './faults.ts';
import { Counts, isSound, sumOf } from './ledger.ts';
import type { Tally } from './ledger.ts';
import { StreamClient } from './stream-client.ts';
import type { StreamClientOptions } from './stream-client.ts';
import { resourceUris } from './worker/publication.ts';
import type { Publication } from './worker/publication.ts';

/** The length and load of a storm. */
export interface StormOptions {
	readonly minutes: number;
	readonly streams: number;
	/** The least number of messages: publishing continues until all faults have happened. */
	readonly messages: number;
	/** The number of faults of each kind. */
	readonly faults: number;
	readonly seed: number;
}

/** Where a server of this folder runs. */
export interface StormTarget<Isolate extends string = 'a' | 'b'> {
	/** The isolates or processes. */
	readonly isolates: readonly Isolate[];
	/** Returns the address of an isolate. */
	url(isolate: Isolate): URL;
	readonly faults: Faults;
	/** The shares of messages to all sessions, and to the subscribers of a resource. Default: 0.15 and 0.25. */
	readonly shares?: { readonly all: number; readonly subscribers: number };
}

/** What is soaked: the streams of `http`, or the changes that are published to session objects. */
type Soaked = 'published changes' | 'streams';

/** The length and load of a soak, and the local Workers. */
export interface SoakOptions extends StormOptions {
	/** Default: `streams`. */
	readonly soaked?: Soaked | undefined;
	/** The number of objects over which the sessions are distributed. */
	readonly shards: number;
	readonly workerd: WorkerdVersion;
}

/** The outcome of a storm: the results of all streams, and what happened meanwhile. */
export interface StormResult {
	readonly tallies: readonly Tally[];
	readonly total: Tally;
	readonly happened: Counts;
	/** The reasons of faults that did not take effect. */
	readonly failed: Counts;
	/** Confirmed publications, and the failures of all others, whose messages may have arrived or not. */
	readonly publications: Counts;
	readonly connections: Counts;
}

/** The outcome of a soak. */
export interface SoakResult extends StormResult {
	/** The Workers' log lines, without what differs from line to line. */
	readonly logged: Counts;
}

/** The sessions that receive a message, and what selects them. */
interface Audience {
	readonly receivers: readonly StreamClient[];
	readonly to: Omit<Publication, 'frame'>;
}

/** The number of sessions that are opened at a time. */
const CONCURRENCY = 10;
/**
 * The time without arrivals at the end after which missing messages are lost. On workerd of 2026-07-30 a
 * Worker may take 30 seconds to find out that its socket is lost.
 */
const SILENCE_MS = 45_000;
/** The time at the end during which repeated messages can still arrive. */
const REPETITION_MS = 2_000;
const PROGRESS_MS = 15_000;
const CONFIRMED = 'confirmed';
/** The time after which a publication without a response has failed. */
const RESPONSE_MS = 20_000;
/** The wait after a failure: the Worker may be starting. */
const PAUSE_MS = 200;
/** By default, 60 of a hundred messages go to one session. */
const defaultShares = { all: 0.15, subscribers: 0.25 };
/** No change is published to one session. */
const sharesOfChanges = { all: 0.25, subscribers: 0.75 };
/** The entry of the Workers, in this folder, and their Durable Object classes by binding. */
const deployments = {
	streams: { entry: 'worker/worker.ts', durableObjects: { TMCP_DURABLE_OBJECT: 'SyncLayer' } },
	'published changes': {
		entry: 'worker/publishing-worker.ts',
		durableObjects: { TMCP_DURABLE_OBJECT: 'SyncLayer', SESSIONS: 'SoakedSession' },
	},
} as const;

/** Starts Workers, runs a storm over them, and returns what arrived. */
export async function soak(
	options: SoakOptions,
	onProgress: (line: string) => void,
): Promise<SoakResult> {
	const logged = new Counts();
	const { soaked = 'streams' } = options;
	const { entry, durableObjects } = deployments[soaked];
	const workers = await startWorkers({
		entry: join(import.meta.dirname, entry),
		durableObjects,
		workers: ['a', 'b'],
		version: options.workerd,
		vars: { SHARDS: `${options.shards}` },
		onLog: (line) => logged.add(line.replaceAll(/\b[\w-]*\d[\w-]*\b/g, '#').slice(0, 300)),
	});
	try {
		const areChanges = soaked === 'published changes';
		const target: StormTarget = {
			isolates: ['a', 'b'],
			url: (isolate) => workers.url(isolate),
			faults: faultsOf(workers, options.workerd, Object.values(durableObjects), !areChanges),
			...(areChanges && { shares: sharesOfChanges }),
		};
		return { ...(await storm(options, target, onProgress)), logged };
	} finally {
		await workers.stop();
	}
}

/** Publishes messages while injecting faults, and returns what arrived. */
export async function storm<Isolate extends string>(
	options: StormOptions,
	target: StormTarget<Isolate>,
	onProgress: (line: string) => void,
): Promise<StormResult> {
	const { isolates, shares = defaultShares } = target;
	const [first] = isolates;
	if (first === undefined) throw new Error('a storm needs an isolate; got none');
	const random = seededRandom(options.seed);
	const connections = new Counts();
	const endpoint = (): URL =>
		new URL('/mcp', target.url(isolates[Math.floor(random() * isolates.length)] ?? first));
	const clientsOf = await openClients(options.streams, { endpoint, random, connections });
	const clients = [...clientsOf.values()].flat();
	onProgress(`${clients.length} streams are open`);

	const publications = new Counts();
	let number = 0;
	const publish = async (
		publisher: string,
		isolate: Isolate,
		{ receivers, to }: Audience,
		padding?: string,
	): Promise<void> => {
		const message = { number: (number += 1), publisher };
		const outcome = await send(new URL('/publish', target.url(isolate)), to, {
			...message,
			padding,
		});
		publications.add(outcome);
		if (outcome === CONFIRMED) for (const { ledger } of receivers) ledger.send(message);
		else await delay(PAUSE_MS);
	};
	const nextAudience = (): Audience => {
		const share = random();
		if (share < shares.all) return { receivers: clients, to: {} };
		const [uri = '', subscribers = []] =
			[...clientsOf][Math.floor(random() * clientsOf.size)] ?? [];
		if (share < shares.all + shares.subscribers) return { receivers: subscribers, to: { uri } };
		const receivers = [subscribers[Math.floor(random() * subscribers.length)]].flatMap(
			(each) => each ?? [],
		);
		return { receivers, to: { session: receivers[0]?.session } };
	};

	const durationMs = options.minutes * 60_000;
	const happened = new Counts();
	const failed = new Counts();
	const faulty = new AbortController();
	const publishTo = (client: StreamClient, padding: string): Promise<void> =>
		publish(
			'flood',
			isolates.at(-1) ?? first,
			{ receivers: [client], to: { session: client.session } },
			padding,
		);
	const injecting = injectFaults(
		{ clients, random, publishTo },
		target.faults,
		{ times: options.faults, overMs: durationMs },
		{ happened, failed },
	).finally(() => faulty.abort());
	/** Publishes through one isolate, one message after another, until all faults have happened. */
	const publishSteadily = async (isolate: Isolate): Promise<void> => {
		const intervalMs = (durationMs / options.messages) * isolates.length;
		let nextMs = performance.now();
		while (!faulty.signal.aborted || number < options.messages) {
			await publish(isolate, isolate, nextAudience());
			nextMs = Math.max(nextMs + intervalMs, performance.now() - intervalMs * 20);
			const waitMs = nextMs - performance.now();
			if (waitMs > 0) await delay(waitMs);
		}
	};
	const countMissing = (): number => clients.reduce((sum, { ledger }) => sum + ledger.missing, 0);
	const progress = setInterval(() => {
		const count = [...happened.values()].reduce((sum, times) => sum + times, 0);
		onProgress(`${count} faults so far; ${countMissing()} messages have not arrived yet`);
	}, PROGRESS_MS);
	try {
		await Promise.all([injecting, ...isolates.map(publishSteadily)]);
		onProgress('all messages are published');
		await drain(countMissing);
	} finally {
		clearInterval(progress);
		for (const client of clients) client.close();
	}
	const tallies = clients.map(({ ledger }) => ledger.tally());
	return { tallies, total: sumOf(tallies), happened, failed, publications, connections };
}

/** Opens sessions with a stream each. Returns their clients by the resource to which they subscribe. */
async function openClients(
	count: number,
	options: StreamClientOptions,
): Promise<Map<string, StreamClient[]>> {
	const clientsOf = new Map<string, StreamClient[]>();
	const open = async (index: number): Promise<void> => {
		const uri = resourceUris[index % resourceUris.length] ?? '';
		const client = await StreamClient.open(uri, options);
		clientsOf.set(uri, [...(clientsOf.get(uri) ?? []), client]);
	};
	for (let first = 0; first < count; first += CONCURRENCY) {
		const length = Math.min(CONCURRENCY, count - first);
		await Promise.all(Array.from({ length }, (_, index) => open(first + index)));
	}
	return clientsOf;
}

/** Publishes a message. Returns the reason of a failure, or `CONFIRMED`. */
async function send(url: URL, to: Audience['to'], params: object): Promise<string> {
	const notification =
		to.uri === undefined
			? { method: 'notifications/message', params: { level: 'info', ...params } }
			: { method: 'notifications/resources/updated', params: { uri: to.uri, ...params } };
	const data = JSON.stringify({ jsonrpc: '2.0', ...notification });
	const publication: Publication = { ...to, frame: `event: message\ndata: ${data}\n\n` };
	try {
		const body = JSON.stringify(publication);
		const signal = AbortSignal.timeout(RESPONSE_MS);
		const response = await fetch(url, { method: 'POST', body, signal });
		if (!response.ok) return `status ${response.status}`;
		const failure: unknown = await response.json();
		return failure === null ? CONFIRMED : JSON.stringify(failure);
	} catch (error) {
		const cause = error instanceof Error ? (error.cause ?? error) : error;
		return cause instanceof Error ? cause.message : 'unknown';
	}
}

/** Waits until all messages have arrived, or no more arrive. */
async function drain(countMissing: () => number): Promise<void> {
	let missing = Infinity;
	let lastChangeMs = performance.now();
	while (missing > 0 && performance.now() - lastChangeMs < SILENCE_MS) {
		await delay(200);
		const left = countMissing();
		if (left !== missing) lastChangeMs = performance.now();
		missing = left;
	}
	await delay(REPETITION_MS);
}

/** Formats all streams together, each imperfect one, and what happened. */
export function formatReport({
	tallies,
	total,
	...counts
}: StormResult & Partial<SoakResult>): string {
	const format = (tally: Tally): string =>
		`${tally.sent} sent, ${tally.received} received, ${tally.lost} lost, ${tally.repeated} repeated, ` +
		`${tally.outOfOrder} out of order, ${tally.gaps} gaps announced (${tally.missedInGaps} messages)`;
	const streams = tallies.map((tally, index) => ({
		tally,
		line: `stream ${index + 1}: ${format(tally)}`,
	}));
	const titles = {
		happened: 'faults',
		failed: 'faults that did not take effect',
		publications: 'publications',
		connections: 'connections',
		logged: 'logged by the Workers',
	};
	return [
		`all ${tallies.length} streams: ${format(total)}`,
		...streams.filter(({ tally }) => !isSound(tally) || tally.gaps > 0).map(({ line }) => line),
		...(Object.keys(titles) as (keyof typeof titles)[]).flatMap((name) => [
			...((counts[name]?.size ?? 0) === 0 ? [] : ['', `${titles[name]}:`]),
			...[...(counts[name] ?? [])].map(([what, times]) => `  ${times} × ${what}`),
		]),
	].join('\n');
}
