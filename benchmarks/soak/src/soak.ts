import { seededRandom } from '@tmcp-sessions/testkit';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';

import { Faults, faultKinds } from './faults.ts';
import type { FaultKind } from './faults.ts';
import { sumOf } from './ledger.ts';
import type { Tally } from './ledger.ts';
import type { SoakOptions } from './options.ts';
import { Publisher } from './publisher.ts';
import { pick } from './random.ts';
import type { Random } from './random.ts';
import { resourceUris } from './resource-uris.ts';
import { openSession } from './session.ts';
import { StreamClient } from './stream-client.ts';

type Isolates = Workers<'a' | 'b'>;

/** How many sessions are opened at once. */
const AT_ONCE = 10;
/** At the end: when nothing has come for so long, what is missing is lost. */
const SILENCE_MS = 20_000;
/** At the end, when all is there: what comes within this time comes once more. */
const REPETITION_MS = 2_000;

/** What came of a soak. */
export interface SoakResult {
	readonly tallies: readonly Tally[];
	readonly total: Tally;
	readonly published: number;
	/** Of publications and faults that failed: why, and how often. */
	readonly unpublished: ReadonlyMap<string, number>;
	readonly faults: ReadonlyMap<FaultKind, number>;
	readonly failedFaults: ReadonlyMap<string, number>;
	/** How often streams were opened or came back, and why they did not. */
	readonly connections: number;
	readonly refusals: ReadonlyMap<string, number>;
	/** What the Workers logged, without what differs from line to line. */
	readonly logged: ReadonlyMap<string, number>;
}

/** Runs Workers of its own from start to end. @param report told how it goes, line by line. */
export async function soak(
	options: SoakOptions,
	report: (line: string) => void,
): Promise<SoakResult> {
	const logged = new Map<string, number>();
	const onLog = (line: string): void => count(logged, withoutDetails(line));
	const workers = await startWorkers({
		entry: join(import.meta.dirname, 'worker/worker.ts'),
		workers: ['a', 'b'],
		version: options.workerd,
		vars: { SHARDS: `${options.shards}` },
		onLog,
	});
	try {
		return { ...(await run(options, workers, report)), logged };
	} finally {
		await workers.stop();
	}
}

async function run(
	options: SoakOptions,
	workers: Isolates,
	report: (line: string) => void,
): Promise<Omit<SoakResult, 'logged'>> {
	const random = seededRandom(options.seed);
	const byUri = await openStreams(options, workers, random);
	const clients = [...byUri.values()].flat();
	report(`${clients.length} streams are open`);

	let number = 0;
	const publishing = { clients: byUri, random, nextNumber: () => (number += 1) };
	const newPublisher = (name: string, isolate: 'a' | 'b'): Publisher =>
		new Publisher(name, () => workers.url(isolate), publishing);
	const [flooding, ...steady] = [
		newPublisher('flood', 'b'),
		newPublisher('a', 'a'),
		newPublisher('b', 'b'),
	] as const;
	const faults = new Faults({
		workers,
		clients,
		random,
		publishTo: (client, padding) => flooding.publishTo(client, padding),
	});
	const durationMs = options.minutes * 60_000;
	const kinds = options.workerd === 'current' ? faultKinds : faultKindsOfOld;
	let isFaulty = true;
	const causing = faults.cause(kinds, options.faults, durationMs).finally(() => {
		isFaulty = false;
		report('all faults have happened');
	});
	const intervalMs = (durationMs / options.messages) * steady.length;
	const goesOn = (): boolean => isFaulty || number < options.messages;
	const watch = setInterval(() => report(progressOf(clients, faults)), 15_000);
	try {
		await Promise.all([causing, ...steady.map((each) => each.publish(intervalMs, goesOn))]);
		report('all messages are published');
		await drain(clients);
	} finally {
		clearInterval(watch);
		for (const client of clients) client.leave();
	}
	return resultOf(clients, [flooding, ...steady], faults);
}

/** workerd of 2026-07-30 may wait for ever with an eviction while a socket is being opened. */
const faultKindsOfOld = faultKinds.filter(
	(kind) => kind !== 'objects hibernated' && kind !== 'objects evicted, sockets closed',
);

/** @returns clients by the uri that their sessions are subscribed to. */
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
	for (let first = 0; first < streams; first += AT_ONCE) {
		const some = Array.from({ length: Math.min(AT_ONCE, streams - first) }, (_, index) =>
			open(first + index),
		);
		await Promise.all(some);
	}
	return clients;
}

/** Until everything has come, or nothing comes any more. */
async function drain(clients: readonly StreamClient[]): Promise<void> {
	let missing = Infinity;
	let lastChangeMs = performance.now();
	while (missing > 0 && performance.now() - lastChangeMs < SILENCE_MS) {
		await pause(200);
		const now = clients.reduce((sum, { ledger }) => sum + ledger.missing, 0);
		if (now !== missing) lastChangeMs = performance.now();
		missing = now;
	}
	await pause(REPETITION_MS);
}

function resultOf(
	clients: readonly StreamClient[],
	publishers: readonly Publisher[],
	faults: Faults,
): Omit<SoakResult, 'logged'> {
	const tallies = clients.map(({ ledger }) => ledger.tally());
	return {
		tallies,
		total: sumOf(tallies),
		published: publishers.reduce((sum, { published }) => sum + published, 0),
		unpublished: merged(publishers.map(({ failures }) => failures)),
		faults: faults.happened,
		failedFaults: faults.failed,
		connections: clients.reduce((sum, { connections }) => sum + connections, 0),
		refusals: merged(clients.map(({ refusals }) => refusals)),
	};
}

function progressOf(clients: readonly StreamClient[], faults: Faults): string {
	const happened = [...faults.happened.values()].reduce((sum, times) => sum + times, 0);
	const missing = clients.reduce((sum, { ledger }) => sum + ledger.missing, 0);
	return `${happened} faults so far; ${missing} messages on their way`;
}

function withoutDetails(line: string): string {
	return line.replaceAll(/\b[\w-]*\d[\w-]*\b/g, '#').slice(0, 300);
}

function count(counts: Map<string, number>, key: string): void {
	counts.set(key, (counts.get(key) ?? 0) + 1);
}

function merged(all: readonly ReadonlyMap<string, number>[]): Map<string, number> {
	const sums = new Map<string, number>();
	for (const counts of all) {
		for (const [key, times] of counts) sums.set(key, (sums.get(key) ?? 0) + times);
	}
	return sums;
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
