import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import { table } from '../reports/markdown.ts';
import { workersFolder } from '../runtime.ts';
import { byName, measurement, median, rounded, takeTurns } from './measurement.ts';
import type { Effort } from './measurement.ts';

/** The cost of a publication for one object, in milliseconds seen by the publishing Worker. */
export interface StreamCost {
	readonly streams: number;
	/** To ten of them, until the object has finished: a median of the rounds' means. */
	readonly toTenMs: number;
	/** To all, until the last receiver has it: a median. */
	readonly toAllMs: number;
}

/** Each number of streams has its own object, and all are open at once. `times` publications follow each other. */
const efforts = {
	full: { streams: [10, 100, 1_000, 10_000], rounds: 9, times: 50 },
	quick: { streams: [10, 30], rounds: 1, times: 2 },
} satisfies Record<Effort, object>;

const RECEIVERS = 10;
const CONCURRENCY = 100;
const ARRIVAL_MS = 10_000;
/** The smallest accepted speed of publishing to ten of many streams, relative to ten of a hundred. */
const LEAST_SPEED = 0.83;

/** Measures at the object: no HTTP client is behind its sockets. Upstream is kept alive by the Worker that measures. */
export const streams = measurement({
	async measure(effort, onProgress) {
		const { streams: counts, rounds, times } = efforts[effort];
		/** The classes of `workers/sized-streams.ts`, one for each number of streams. */
		const classesOf = (prefix: string): string[] =>
			counts.map((_, index) => `${prefix}${'ABCD'[index]}`);
		const [ours, upstream] = [classesOf('Ours'), classesOf('Upstream')];
		const running = await startWorkers({
			workers: ['objects', 'streams'],
			entry: join(workersFolder, 'sized-streams.ts'),
			durableObjects: byName([...ours, ...upstream], (name) => name),
			onLog: () => {},
		});
		const countOf = (name: string): number => counts['ABCD'.indexOf(name.slice(-1))] ?? 0;
		const urlOf = (path: string): URL => new URL(path, running.url('streams'));
		const held: ReadableStreamDefaultReader<Uint8Array>[] = [];
		/** Publishes and waits until all have arrived. Returns the time of the response and of the last. */
		const publish = async (object: string, receivers: number, query: string) => {
			const status = urlOf(`/?object=${object}`);
			const expected = (await arrivedAt(status)) + receivers;
			const startMs = performance.now();
			await fetch(urlOf(`/?object=${object}&${query}`));
			const publishedMs = performance.now() - startMs;
			let arrived = await arrivedAt(status);
			while (arrived < expected && performance.now() - startMs < ARRIVAL_MS) {
				await delay(1);
				arrived = await arrivedAt(status);
			}
			if (arrived === expected) return { publishedMs, arrivedMs: performance.now() - startMs };
			throw new Error(`${object} must send ${expected} messages; got ${arrived}`);
		};
		try {
			for (const object of [...ours, ...upstream]) {
				onProgress(`opening ${countOf(object)} sockets of ${object}`);
				for (let from = 0; from < countOf(object); from += CONCURRENCY) {
					const count = Math.min(CONCURRENCY, countOf(object) - from);
					held.push(await open(urlOf(`/open?object=${object}&from=${from}&count=${count}`)));
				}
			}
			const samples = await takeTurns(
				[...ours, ...upstream],
				{ least: rounds, most: rounds, warmUps: 1 },
				async (name) => {
					const toTen = await publish(name, RECEIVERS * times, `times=${times}&count=${RECEIVERS}`);
					const toAll = await publish(name, countOf(name), 'times=1');
					return { toTenMs: toTen.publishedMs / times, toAllMs: toAll.arrivedMs };
				},
				onProgress,
			);
			const costs = (names: readonly string[]): StreamCost[] =>
				names.map((name) => ({
					streams: countOf(name),
					toTenMs: rounded(median((samples[name] ?? []).map(({ toTenMs }) => toTenMs)), 3),
					toAllMs: rounded(median((samples[name] ?? []).map(({ toAllMs }) => toAllMs)), 2),
				}));
			return { ours: costs(ours), upstream: costs(upstream) };
		} finally {
			await Promise.all(held.map((reader) => reader.cancel()));
			await running.stop();
		}
	},

	format({ ours, upstream }) {
		const perStream = ({ toAllMs, streams: count }: StreamCost): string =>
			((toAllMs * 1000) / count).toFixed(0);
		return table(
			'streams of one object | publish to 10, to that of 100 | upstream | publish to all, µs for each | upstream',
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

	aims: ({ ours }) =>
		ours.slice(-1).map((most) => ({
			subject: `publishing to 10 of ${most.streams} streams, to 10 of 100`,
			least: LEAST_SPEED,
			found: 1 / toHundred(ours, most),
		})),
});

/** Returns a publication to ten relative to the one to ten of a hundred streams. */
function toHundred(costs: readonly StreamCost[], { toTenMs }: StreamCost): number {
	const hundred = costs.find(({ streams: count }) => count === 100) ?? costs[0];
	return toTenMs / (hundred?.toTenMs ?? NaN);
}

async function open(url: URL): Promise<ReadableStreamDefaultReader<Uint8Array>> {
	const response = await fetch(url);
	if (!response.ok || !response.body)
		throw new Error(`${url.href} must open; got ${response.status}`);
	const reader = response.body.getReader();
	await reader.read();
	// Without a reader, backpressure would stop the Worker from writing.
	const drain = async (): Promise<void> => {
		while (!(await reader.read()).done);
	};
	drain().catch(() => {}); // The measurement cancels it.
	return reader;
}

async function arrivedAt(status: URL): Promise<number> {
	return Number(await (await fetch(status)).text());
}
