import { Load } from '../client/load.ts';
import { endSession, McpClient, statelessToolCall, sumResponse, toolCall } from '../client/mcp.ts';
import { RawStreams } from '../client/raw-streams.ts';
import { contendersIn } from '../contenders.ts';
import { countingPlugin, takeBindingCounts } from '../operations/counted-contender.ts';
import { describeStorage } from '../operations/counts.ts';
import type { OperationCounts } from '../operations/counts.ts';
import { table } from '../reports/markdown.ts';
import { endpoint, startContenders } from '../runtime.ts';
import { byName, measurement, median, ratios, rounded } from './measurement.ts';
import type { Effort, Progress } from './measurement.ts';
import { measureSpeeds } from './speed.ts';

/** The contenders whose store grows. */
const names = ['growing-kv', 'growing-object'] as const;
/** One of them. */
export type Growing = (typeof names)[number];
type ByGrowing<Value> = Readonly<Record<Growing, Value>>;

const efforts = {
	full: {
		sessions: [10, 100, 1_000, 10_000, 100_000],
		subscribers: [10, 100, 1_000, 10_000],
		frames: [10, 100, 1_000, 10_000],
		load: { connections: 32, length: { repeats: 20 } },
		rounds: { least: 5, most: 5, warmUps: 1 },
	},
	quick: {
		sessions: [10, 50],
		subscribers: [10, 50],
		frames: [10, 50],
		load: { connections: 2, length: { repeats: 1 } },
		rounds: { least: 1, most: 1, warmUps: 1 },
	},
} satisfies Record<Effort, object>;

const BATCH = 1_000;
const NOTIFICATION_MS = 60_000;
/** Calls whose frames are kept, each in a separate session. */
const CALLS = 3;
const TIMED_FRAMES = 10;
const FRAMES_AT_ONCE = 100;

/** Fills stores step by step. At each step one set of Workers is timed, and another one counts. */
export const growth = measurement({
	async measure(effort, onProgress) {
		const { rounds, ...sizes } = efforts[effort];
		const all = contendersIn('growth');
		await using timed = await startContenders(all);
		const plugins = [countingPlugin];
		await using counted = await startContenders(all, { plugins, keepObjects: true });
		await using load = new Load();

		/** Fills both sets at the same time, which takes most of the time, and measures each step. */
		const grow = async <Point>(
			filling: 'sessions' | 'subscribers',
			measureAt: (count: number) => Promise<Point>,
		): Promise<Point[]> => {
			const points: Point[] = [];
			for (const [step, count] of sizes[filling].entries()) {
				onProgress(`${count} ${filling}`);
				const from = sizes[filling][step - 1] ?? 0;
				const urls = names.flatMap((name) => [timed.url(name), counted.url(name)]);
				await Promise.all(urls.map((url) => fill(url, filling, from, count)));
				points.push(await measureAt(count));
			}
			return points;
		};
		const countIn = async (name: Growing, request: () => Promise<unknown>) => {
			await takeBindingCounts(counted, name);
			await request();
			return takeBindingCounts(counted, name);
		};

		const sessions = await grow('sessions', async (count) => {
			const operations = await forEach(async (name) => {
				const client = new McpClient(endpoint(counted, name));
				const session = await client.open();
				return countIn(name, () => client.send(toolCall(session), sumResponse));
			});
			const work = { ...sizes.load, workload: 'call', rounds } as const;
			const speeds = await measureSpeeds(all, timed, load, work, () => {});
			const toBareWorker = byName(names, (name) =>
				rounded(median(ratios(speeds[name], speeds['bare-worker'])), 3),
			);
			return { sessions: count, toBareWorker, operations };
		});
		const subscribers = await grow('subscribers', async (count) => {
			const operations = await forEach((name) =>
				countIn(name, () => changeResource(endpoint(counted, name))),
			);
			const notifiedMs = await forEach((name) => timeUpdates(endpoint(timed, name), rounds.most));
			return { subscribers: count, notifiedMs, operations };
		});
		const frames = await timeFrames(timed.url('growing-kv'), sizes.frames, onProgress);
		return { rounds: rounds.most, sessions, subscribers, frames };
	},

	format({ rounds, sessions, subscribers, frames }) {
		const row = (
			count: number,
			digits: number,
			figures: ByGrowing<number>,
			counts: ByGrowing<OperationCounts>,
		) => [
			count.toLocaleString('en'),
			...names.flatMap((name) => [figures[name].toFixed(digits), describeStorage(counts[name])]),
		];
		const bySessions = table(
			'sessions | KV: speed to a bare Worker | a call | Durable Objects: speed to a bare Worker | a call',
			sessions.map((point) => row(point.sessions, 2, point.toBareWorker, point.operations)),
		);
		const bySubscribers = table(
			'subscribers of a changing resource | KV: one is notified after, ms | a change | Durable Objects: one is notified after, ms | a change',
			subscribers.map((point) => row(point.subscribers, 1, point.notifiedMs, point.operations)),
		);
		const byFrames = table(
			'kept frames of a call | ms for one more',
			frames.map((point) => [point.frames.toLocaleString('en'), point.keptMs.toFixed(2)]),
		);
		return [bySessions, bySubscribers, byFrames, `Medians of ${rounds} rounds.`].join('\n\n');
	},

	aims: ({ frames }) => [
		{
			subject: `keeping the last of ${frames.at(-1)?.frames} frames, to that of ${frames[0]?.frames}`,
			most: 1.5,
			found: (frames.at(-1)?.keptMs ?? NaN) / (frames[0]?.keptMs ?? NaN),
		},
	],
});

/**
 * Keeps frames of calls in several sessions, and times the last ten up to each number. The first session
 * warms up.
 */
async function timeFrames(
	worker: URL,
	counts: readonly number[],
	onProgress: Progress,
): Promise<{ frames: number; keptMs: number }[]> {
	const times = counts.map((): number[] => []);
	for (let session = 0; session <= CALLS; session += 1) {
		onProgress(`frames of call ${session} of ${CALLS}`);
		const keep = async (from: number, count: number, each: number): Promise<number> => {
			const query = `session=kept-${session}&from=${from + 1}&count=${count}&each=${each}`;
			const startMs = performance.now();
			const response = await fetch(new URL(`/frames?${query}`, worker));
			if (!response.ok) throw new Error(`frames must be kept; got ${await response.text()}`);
			return (performance.now() - startMs) / count;
		};
		for (const [step, count] of counts.entries()) {
			const before = counts[step - 1] ?? 0;
			const timed = Math.min(TIMED_FRAMES, count - before);
			for (let from = before; from < count - timed; from += BATCH) {
				await keep(from, Math.min(BATCH, count - timed - from), FRAMES_AT_ONCE);
			}
			const ms = await keep(count - timed, timed, 1);
			if (session > 0) times[step]?.push(ms);
		}
	}
	return counts.map((frames, step) => ({ frames, keptMs: rounded(median(times[step] ?? []), 3) }));
}

/** Adds sessions or subscribers to a store. */
async function fill(worker: URL, filling: string, before: number, total: number): Promise<void> {
	for (let from = before; from < total; from += BATCH) {
		const count = Math.min(BATCH, total - from);
		const url = new URL(`/${filling}?from=${from}&count=${count}`, worker);
		const response = await fetch(url);
		if (!response.ok) throw new Error(`${url.href} must fill; got ${await response.text()}`);
	}
}

/** Measures how long a change takes to reach a subscriber with a stream: no other has one. */
async function timeUpdates(url: string, rounds: number): Promise<number> {
	const client = new McpClient(url);
	const session = await client.open();
	using streams = await RawStreams.open(url, [session]);
	await client.subscribe(session);
	const times: number[] = [];
	// The first one warms up.
	while (times.length <= rounds) {
		const change = () => changeResource(url);
		const { ms, missing } = await streams.delivery(1, change, NOTIFICATION_MS);
		if (missing !== 0) throw new Error(`${url} must notify its subscriber; it did not`);
		times.push(ms);
	}
	await client.send(endSession(session));
	return rounded(median(times.slice(1)), 3);
}

function changeResource(url: string): Promise<Response> {
	return new McpClient(url).send(statelessToolCall('update_resource', {}), 'updated');
}

/** One after another. */
async function forEach<Value>(
	valueOf: (name: Growing) => Promise<Value>,
): Promise<ByGrowing<Value>> {
	return {
		'growing-kv': await valueOf('growing-kv'),
		'growing-object': await valueOf('growing-object'),
	};
}
