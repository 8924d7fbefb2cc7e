import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';

import { median } from '../median.ts';

/** How much to measure. */
export interface StreamsEffort {
	/** Open streams of one object; each number has an object of its own, and all are open at once. */
	readonly streams: readonly number[];
	readonly rounds: number;
	/** Publishes in sequence in a round, to some. */
	readonly times: number;
}

/** What a publish costs one object, in milliseconds from the Worker that publishes. */
export interface StreamCost {
	readonly streams: number;
	/** To ten of them, until the object is through: the median of rounds of `times`. */
	readonly toTenMs: number;
	/** To all, until the last has it: the median of rounds of one. */
	readonly toAllMs: number;
}

/** Ours, and upstream's, which is kept alive by the Worker that measures. */
export type StreamCosts = Record<'ours' | 'upstream', readonly StreamCost[]>;

const contenders = join(import.meta.dirname, '../contenders');
const SUBSCRIBERS = 10;
const OPENED_AT_ONCE = 100;
const classes = {
	ours: ['OursA', 'OursB', 'OursC', 'OursD'],
	upstream: ['UpstreamA', 'UpstreamB', 'UpstreamC', 'UpstreamD'],
} as const;

/** Measures at the object: its sockets have no HTTP client behind them. */
export async function measureStreams(
	{ streams, rounds, times }: StreamsEffort,
	onProgress: (line: string) => void,
): Promise<StreamCosts> {
	const names = [...classes.ours, ...classes.upstream];
	const running = await startWorkers({
		workers: ['objects', 'streams'],
		entry: {
			objects: join(contenders, 'sized-objects.ts'),
			streams: join(contenders, 'object-sockets.ts'),
		},
		kvNamespaces: [],
		durableObjects: Object.fromEntries(names.map((name) => [name, name])),
		onLog: () => {},
	});
	const url = running.url('streams');
	const kept: ReadableStreamDefaultReader<Uint8Array>[] = [];
	const samples = new Map<string, { toTen: number[]; toAll: number[] }>();
	const each = streams.flatMap((count, index) => [
		{ object: classes.ours[index] ?? '', count },
		{ object: classes.upstream[index] ?? '', count },
	]);
	try {
		for (const { object, count } of each) {
			onProgress(`opening ${count} sockets of ${object}`);
			for (let from = 0; from < count; from += OPENED_AT_ONCE) {
				kept.push(await open(url, object, from, Math.min(OPENED_AT_ONCE, count - from)));
			}
		}
		for (let round = 0; round <= rounds; round += 1) {
			onProgress(`round ${round} of ${rounds}`);
			for (const { object, count } of each) {
				const toTen = await timeToTen(url, object, Math.min(SUBSCRIBERS, count), times);
				const toAll = await timeToAll(url, object, count);
				if (round === 0) continue; // warms up
				const own = samples.get(object) ?? { toTen: [], toAll: [] };
				own.toTen.push(toTen);
				own.toAll.push(toAll);
				samples.set(object, own);
			}
		}
		const costs = (objects: readonly string[]): StreamCost[] =>
			streams.map((count, index) => {
				const { toTen = [], toAll = [] } = samples.get(objects[index] ?? '') ?? {};
				return { streams: count, toTenMs: median(toTen), toAllMs: median(toAll) };
			});
		return { ours: costs(classes.ours), upstream: costs(classes.upstream) };
	} finally {
		await Promise.all(kept.map((reader) => reader.cancel()));
		await running.stop();
	}
}

async function open(
	url: URL,
	object: string,
	from: number,
	count: number,
): Promise<ReadableStreamDefaultReader<Uint8Array>> {
	const response = await fetch(new URL(`/open?object=${object}&from=${from}&count=${count}`, url));
	if (!response.ok || !response.body) throw new Error(`sockets of ${object} were not opened`);
	const reader = response.body.getReader();
	await reader.read();
	// What it says to stay open is read, so that it is not held back.
	const reading = async (): Promise<void> => {
		while (!(await reader.read()).done);
	};
	void reading().catch(() => {});
	return reader;
}

async function timeToTen(url: URL, object: string, to: number, times: number): Promise<number> {
	const before = await received(url, object);
	const startMs = performance.now();
	await fetch(new URL(`/publish?object=${object}&times=${times}&to=${to}`, url));
	const ms = (performance.now() - startMs) / times;
	await untilReceived(url, object, before + to * times);
	return ms;
}

async function timeToAll(url: URL, object: string, count: number): Promise<number> {
	const before = await received(url, object);
	const startMs = performance.now();
	await fetch(new URL(`/publish?object=${object}&times=1`, url));
	await untilReceived(url, object, before + count);
	return performance.now() - startMs;
}

/** @throws where messages are missing after ten seconds. */
async function untilReceived(url: URL, object: string, total: number): Promise<void> {
	const deadlineMs = performance.now() + 10_000;
	let found = await received(url, object);
	while (found < total && performance.now() < deadlineMs) {
		await delay(1);
		found = await received(url, object);
	}
	if (found !== total) throw new Error(`${object}: ${found} messages came, expected ${total}`);
}

async function received(url: URL, object: string): Promise<number> {
	const response = await fetch(new URL(`/received?object=${object}`, url));
	return Number(await response.text());
}
