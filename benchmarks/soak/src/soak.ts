import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '@tmcp-sessions/testkit';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { WorkerdVersion, Workers } from '@tmcp-sessions/testkit/workerd';
import { increment, sumOfCounts } from './counts.ts';
import type { Counts } from './counts.ts';
import { Faults, faultKinds } from './faults.ts';
import { sumOf } from './ledger.ts';
import type { Tally } from './ledger.ts';
import { resourceUris } from './publication.ts';
import { Publisher } from './publisher.ts';
import { pick } from './random.ts';
import type { Random } from './random.ts';
import { openSession } from './session.ts';
import { StreamClient } from './stream-client.ts';

/** The length and load of a soak. */
export interface SoakOptions {
	readonly minutes: number;
	readonly streams: number;
	/** The least number of messages: publishing continues until all faults have happened. */
	readonly messages: number;
	/** The number of faults of each kind. */
	readonly faults: number;
	/** The number of objects over which the sessions are distributed. */
	readonly shards: number;
	readonly seed: number;
	readonly workerd: WorkerdVersion;
}

/** The outcome of a soak. */
export interface SoakResult {
	readonly tallies: readonly Tally[];
	readonly total: Tally;
	readonly published: number;
	readonly unpublished: Counts;
	readonly faults: Counts;
	readonly failedFaults: Counts;
	readonly connections: number;
	readonly rejections: Counts;
	/** The Workers' log lines, without what differs from line to line. */
	readonly logged: Counts;
}

type Isolates = Workers<'a' | 'b'>;

/** The number of sessions that are opened at a time. */
const CONCURRENCY = 10;
/** The time without arrivals at the end after which missing messages are lost. */
const SILENCE_MS = 20_000;
/** The time at the end during which repeated messages can still arrive. */
const REPETITION_MS = 2_000;
const PROGRESS_MS = 15_000;

/** workerd of 2026-07-30 may wait forever for an eviction while a socket is being opened. */
const faultKindsOfOld = faultKinds.filter(
	(kind) => kind !== 'objects hibernated' && kind !== 'objects evicted, sockets closed',
);

/** Starts Workers, publishes messages while injecting faults, and returns what arrived. */
export async function soak(
	options: SoakOptions,
	onProgress: (line: string) => void,
): Promise<SoakResult> {
	const logged: Counts = new Map();
	const workers = await startWorkers({
		entry: join(import.meta.dirname, 'worker/worker.ts'),
		workers: ['a', 'b'],
		version: options.workerd,
		vars: { SHARDS: `${options.shards}` },
		onLog: (line) => increment(logged, line.replaceAll(/\b[\w-]*\d[\w-]*\b/g, '#').slice(0, 300)),
	});
	try {
		return { ...(await run(options, workers, onProgress)), logged };
	} finally {
		await workers.stop();
	}
}

async function run(
	options: SoakOptions,
	workers: Isolates,
	onProgress: (line: string) => void,
): Promise<Omit<SoakResult, 'logged'>> {
	const random = seededRandom(options.seed);
	const byUri = await openStreams(options, workers, random);
	const clients = [...byUri.values()].flat();
	onProgress(`${clients.length} streams are open`);

	let number = 0;
	const publishing = { clients: byUri, random, nextNumber: () => (number += 1) };
	const createPublisher = (name: string, isolate: 'a' | 'b'): Publisher =>
		new Publisher(name, () => workers.url(isolate), publishing);
	const flooding = createPublisher('flood', 'b');
	const steady = [createPublisher('a', 'a'), createPublisher('b', 'b')];
	const faults = new Faults({
		workers,
		clients,
		random,
		publishTo: (client, padding) => flooding.publishTo(client, padding),
	});
	const durationMs = options.minutes * 60_000;
	const kinds = options.workerd === 'current' ? faultKinds : faultKindsOfOld;
	let isFaulty = true;
	const injecting = faults.inject(kinds, options.faults, durationMs).finally(() => {
		isFaulty = false;
		onProgress('all faults have happened');
	});
	const intervalMs = (durationMs / options.messages) * steady.length;
	const isNeeded = (): boolean => isFaulty || number < options.messages;
	const progress = setInterval(() => onProgress(describeProgress(clients, faults)), PROGRESS_MS);
	try {
		await Promise.all([injecting, ...steady.map((each) => each.publish(intervalMs, isNeeded))]);
		onProgress('all messages are published');
		await drain(clients);
	} finally {
		clearInterval(progress);
		for (const client of clients) client.close();
	}
	const publishers = [flooding, ...steady];
	const tallies = clients.map(({ ledger }) => ledger.tally());
	return {
		tallies,
		total: sumOf(tallies),
		published: publishers.reduce((sum, { published }) => sum + published, 0),
		unpublished: sumOfCounts(publishers.map(({ failures }) => failures)),
		faults: faults.happened,
		failedFaults: faults.failed,
		connections: clients.reduce((sum, { connections }) => sum + connections, 0),
		rejections: sumOfCounts(clients.map(({ rejections }) => rejections)),
	};
}

/** Opens sessions with a stream each, and returns their clients by resource. */
async function openStreams(
	{ streams }: SoakOptions,
	workers: Isolates,
	random: Random,
): Promise<Map<string, StreamClient[]>> {
	const clients = new Map<string, StreamClient[]>();
	const endpoint = (): URL => new URL('/mcp', workers.url(pick(random, ['a', 'b'])));
	const open = async (index: number): Promise<void> => {
		const uri = resourceUris[index % resourceUris.length] ?? '';
		const session = await openSession(endpoint(), uri);
		const client = new StreamClient({ session, url: endpoint, random });
		clients.set(uri, [...(clients.get(uri) ?? []), client]);
		client.connect();
		await client.primed;
	};
	for (let first = 0; first < streams; first += CONCURRENCY) {
		const length = Math.min(CONCURRENCY, streams - first);
		await Promise.all(Array.from({ length }, (_, index) => open(first + index)));
	}
	return clients;
}

/** Waits until all messages have arrived, or no more arrive. */
async function drain(clients: readonly StreamClient[]): Promise<void> {
	let missing = Infinity;
	let lastChangeMs = performance.now();
	while (missing > 0 && performance.now() - lastChangeMs < SILENCE_MS) {
		await delay(200);
		const left = countMissing(clients);
		if (left !== missing) lastChangeMs = performance.now();
		missing = left;
	}
	await delay(REPETITION_MS);
}

function describeProgress(clients: readonly StreamClient[], faults: Faults): string {
	const happened = [...faults.happened.values()].reduce((sum, times) => sum + times, 0);
	return `${happened} faults so far; ${countMissing(clients)} messages have not arrived yet`;
}

function countMissing(clients: readonly StreamClient[]): number {
	return clients.reduce((sum, { ledger }) => sum + ledger.missing, 0);
}
