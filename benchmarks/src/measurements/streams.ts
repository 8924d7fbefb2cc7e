import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import { table } from '../reports/markdown.ts';
import { workersFolder } from '../runtime/worker-entries.ts';
import type { Effort, Measurement } from './measurement.ts';
import { median, rounded } from './statistics.ts';

interface StreamsEffort {
	/** Numbers of streams. Each has its own object, and all are open at once. */
	readonly streams: readonly number[];
	readonly rounds: number;
	/** Publications in sequence to ten streams, in each round. */
	readonly times: number;
}

/** The cost of a publication for one object, in milliseconds seen by the publishing Worker. */
export interface StreamCost {
	readonly streams: number;
	/** To ten of them, until the object has finished: a median of the rounds' means. */
	readonly toTenMs: number;
	/** To all, until the last receiver has it: a median. */
	readonly toAllMs: number;
}

/** Upstream is kept alive by the Worker that measures. */
export type StreamCosts = Record<'ours' | 'upstream', readonly StreamCost[]>;

const efforts: Readonly<Record<Effort, StreamsEffort>> = {
	full: { streams: [10, 100, 1_000, 10_000], rounds: 9, times: 50 },
	quick: { streams: [10, 30], rounds: 1, times: 2 },
};

const RECEIVERS = 10;
const CONCURRENCY = 100;
const ARRIVAL_MS = 10_000;
/** The largest accepted ratio of publishing to ten of many streams to publishing to ten of a hundred. */
const MAX_GROWTH = 1.2;

/** The classes of `workers/sized-streams.ts`, one for each number of streams. */
const classes = {
	ours: ['OursA', 'OursB', 'OursC', 'OursD'],
	upstream: ['UpstreamA', 'UpstreamB', 'UpstreamC', 'UpstreamD'],
} as const;

/** Measures at the object: no HTTP client is behind its sockets. */
export const streams: Measurement<StreamCosts> = {
	async measure(effort, onProgress) {
		const { streams: counts, rounds, times } = efforts[effort];
		const running = await startWorkers({
			workers: ['objects', 'streams'],
			entry: join(workersFolder, 'sized-streams.ts'),
			kvNamespaces: [],
			durableObjects: Object.fromEntries(
				[...classes.ours, ...classes.upstream].map((name) => [name, name]),
			),
			onLog: () => {},
		});
		const url = running.url('streams');
		const held: ReadableStreamDefaultReader<Uint8Array>[] = [];
		const samples = new Map<string, { toTen: number[]; toAll: number[] }>();
		const objects = counts.flatMap((count, index) => [
			{ object: classes.ours[index] ?? '', count },
			{ object: classes.upstream[index] ?? '', count },
		]);
		try {
			for (const { object, count } of objects) {
				onProgress(`opening ${count} sockets of ${object}`);
				for (let from = 0; from < count; from += CONCURRENCY) {
					held.push(await open(url, object, from, Math.min(CONCURRENCY, count - from)));
				}
			}
			for (let round = 0; round <= rounds; round += 1) {
				onProgress(`round ${round} of ${rounds}`);
				for (const { object, count } of objects) {
					const toTen = await timeToTen(url, object, Math.min(RECEIVERS, count), times);
					const toAll = await timeToAll(url, object, count);
					if (round === 0) continue; // The first round warms up.
					const own = samples.get(object) ?? { toTen: [], toAll: [] };
					own.toTen.push(toTen);
					own.toAll.push(toAll);
					samples.set(object, own);
				}
			}
			const costs = (names: readonly string[]): StreamCost[] =>
				counts.map((count, index) => {
					const { toTen = [], toAll = [] } = samples.get(names[index] ?? '') ?? {};
					return {
						streams: count,
						toTenMs: rounded(median(toTen), 3),
						toAllMs: rounded(median(toAll), 2),
					};
				});
			return { ours: costs(classes.ours), upstream: costs(classes.upstream) };
		} finally {
			await Promise.all(held.map((reader) => reader.cancel()));
			await running.stop();
		}
	},

	format({ ours, upstream }) {
		const perStream = ({ toAllMs, streams: count }: StreamCost): string =>
			((toAllMs * 1000) / count).toFixed(0);
		return table(
			[
				'streams of one object',
				'publish to 10, to that of 100',
				'upstream',
				'publish to all, µs for each',
				'upstream',
			],
			ours.map((cost, index) => {
				const other = upstream[index] ?? cost;
				return [
					cost.streams.toLocaleString('en'),
					toHundred(ours, cost).toFixed(2),
					toHundred(upstream, other).toFixed(2),
					perStream(cost),
					perStream(other),
				];
			}),
		);
	},

	shortfalls({ ours }, effort) {
		const most = ours.at(-1);
		const ratio = most ? toHundred(ours, most) : NaN;
		if (effort === 'quick' || ratio <= MAX_GROWTH) return [];
		return [
			`Publishing to 10 of ${most?.streams} streams must take at most ${MAX_GROWTH} times as long as to 10 of 100; got ${ratio.toFixed(2)}.`,
		];
	},
};

/** Returns a publication to ten relative to the one to ten of a hundred streams. */
function toHundred(costs: readonly StreamCost[], { toTenMs }: StreamCost): number {
	const hundred = costs.find(({ streams: count }) => count === 100) ?? costs[0];
	return toTenMs / (hundred?.toTenMs ?? NaN);
}

async function open(
	url: URL,
	object: string,
	from: number,
	count: number,
): Promise<ReadableStreamDefaultReader<Uint8Array>> {
	const response = await fetch(new URL(`/open?object=${object}&from=${from}&count=${count}`, url));
	if (!response.ok || !response.body) {
		throw new Error(`sockets of ${object} must open; got ${response.status}`);
	}
	const reader = response.body.getReader();
	await reader.read();
	// Without a reader, backpressure would stop the Worker from writing.
	const drain = async (): Promise<void> => {
		while (!(await reader.read()).done);
	};
	drain().catch(() => {}); // The measurement cancels it.
	return reader;
}

async function timeToTen(url: URL, object: string, to: number, times: number): Promise<number> {
	const before = await countReceived(url, object);
	const startMs = performance.now();
	await fetch(new URL(`/publish?object=${object}&times=${times}&to=${to}`, url));
	const ms = (performance.now() - startMs) / times;
	await untilReceived(url, object, before + to * times);
	return ms;
}

async function timeToAll(url: URL, object: string, count: number): Promise<number> {
	const before = await countReceived(url, object);
	const startMs = performance.now();
	await fetch(new URL(`/publish?object=${object}&times=1`, url));
	await untilReceived(url, object, before + count);
	return performance.now() - startMs;
}

async function untilReceived(url: URL, object: string, total: number): Promise<void> {
	const deadlineMs = performance.now() + ARRIVAL_MS;
	let received = await countReceived(url, object);
	while (received < total && performance.now() < deadlineMs) {
		await delay(1);
		received = await countReceived(url, object);
	}
	if (received !== total) throw new Error(`${object} must send ${total} messages; got ${received}`);
}

async function countReceived(url: URL, object: string): Promise<number> {
	const response = await fetch(new URL(`/received?object=${object}`, url));
	return Number(await response.text());
}
