import { Load } from '../client/load.ts';
import { endSession, McpClient, statelessToolCall, sumResponse, toolCall } from '../client/mcp.ts';
import { RawStreams } from '../client/raw-streams.ts';
import { contendersIn } from '../contenders.ts';
import type { ContenderIn } from '../contenders.ts';
import { countingPlugin, takeBindingCounts } from '../operations/counted-contender.ts';
import { describeStorage } from '../operations/counts.ts';
import type { OperationCounts } from '../operations/counts.ts';
import { table } from '../reports/markdown.ts';
import { endpoint, startContenders } from '../runtime.ts';
import type { RunningContenders } from '../runtime.ts';
import { byName, measurement, median, ratios, rounded } from './measurement.ts';
import type { Effort } from './measurement.ts';
import { measureSpeeds } from './speed.ts';

/** The contenders whose store grows. */
export type Growing = Exclude<ContenderIn<'growth'>, 'bare-worker'>;
type GrowingWorkers = RunningContenders<ContenderIn<'growth'>>;
type ByGrowing<Value> = Readonly<Record<Growing, Value>>;

const names = ['growing-kv', 'growing-object'] as const satisfies Growing[];
const efforts = {
	full: {
		sessions: [10, 100, 1_000, 10_000, 100_000],
		subscribers: [10, 100, 1_000, 10_000],
		rounds: 5,
		connections: 32,
		repeats: 20,
	},
	quick: { sessions: [10, 50], subscribers: [10, 50], rounds: 1, connections: 2, repeats: 1 },
} satisfies Record<Effort, object>;

const BATCH = 1_000;
const NOTIFICATION_MS = 60_000;

/** Fills stores step by step. At each step one set of Workers is timed, and another one counts. */
export const growth = measurement({
	async measure(effort, onProgress) {
		const { rounds, ...sizes } = efforts[effort];
		const all = contendersIn('growth');
		const timed = await startContenders(all);
		const plugins = [countingPlugin];
		const counted = await startContenders(all, { plugins, keepObjects: true });
		const load = new Load();
		/** Fills both sets at the same time, which takes most of the time, and measures each step. */
		const grow = async <Point>(
			filling: 'sessions' | 'subscribers',
			measureAt: (count: number) => Promise<Point>,
		): Promise<Point[]> => {
			const points: Point[] = [];
			for (const [step, count] of sizes[filling].entries()) {
				onProgress(`${count} ${filling}`);
				const from = sizes[filling][step - 1] ?? 0;
				await Promise.all([timed, counted].map((set) => fill(set, filling, from, count)));
				points.push(await measureAt(count));
			}
			return points;
		};
		try {
			const sessions = await grow('sessions', async (count) => {
				const operations = await forEach((name) => countCall(counted, name));
				const speeds = await measureSpeeds(
					all,
					timed,
					load,
					{
						workload: 'call',
						connections: sizes.connections,
						length: { repeats: sizes.repeats },
						rounds: { least: rounds, most: rounds, warmUps: 1 },
					},
					() => {},
				);
				const toBareWorker = byName(names, (name) =>
					rounded(median(ratios(speeds[name], speeds['bare-worker'])), 3),
				);
				return { sessions: count, toBareWorker, operations };
			});
			const subscribers = await grow('subscribers', async (count) => {
				const operations = await forEach((name) => countUpdate(counted, name));
				const notifiedMs = await forEach((name) => timeUpdates(endpoint(timed, name), rounds));
				return { subscribers: count, notifiedMs, operations };
			});
			return { rounds, sessions, subscribers };
		} finally {
			await load.stop();
			await timed.stop();
			await counted.stop();
		}
	},

	format({ rounds, sessions, subscribers }) {
		const bySessions = table(
			'sessions | KV: speed to a bare Worker | a call | Durable Objects: speed to a bare Worker | a call',
			sessions.map(({ sessions: count, toBareWorker, operations }) => [
				count.toLocaleString('en'),
				...names.flatMap((name) => [
					toBareWorker[name].toFixed(2),
					describeStorage(operations[name]),
				]),
			]),
		);
		const bySubscribers = table(
			'subscribers of a changing resource | KV: one is notified after, ms | a change | Durable Objects: one is notified after, ms | a change',
			subscribers.map(({ subscribers: count, notifiedMs, operations }) => [
				count.toLocaleString('en'),
				...names.flatMap((name) => [
					notifiedMs[name].toFixed(1),
					describeStorage(operations[name]),
				]),
			]),
		);
		return `${bySessions}\n\n${bySubscribers}\n\nMedians of ${rounds} rounds.`;
	},
});

/** Adds sessions or subscribers to both stores. */
async function fill(
	running: GrowingWorkers,
	filling: string,
	before: number,
	total: number,
): Promise<void> {
	for (const name of names) {
		for (let from = before; from < total; from += BATCH) {
			const count = Math.min(BATCH, total - from);
			const url = new URL(`/${filling}?from=${from}&count=${count}`, running.url(name));
			const response = await fetch(url);
			if (!response.ok) throw new Error(`${url.href} must fill; got ${await response.text()}`);
		}
	}
}

async function countCall(running: GrowingWorkers, name: Growing): Promise<OperationCounts> {
	const client = new McpClient(endpoint(running, name));
	const session = await client.open();
	await takeBindingCounts(running, name);
	await client.send(toolCall(session), sumResponse);
	return takeBindingCounts(running, name);
}

async function countUpdate(running: GrowingWorkers, name: Growing): Promise<OperationCounts> {
	await takeBindingCounts(running, name);
	await update(endpoint(running, name));
	return takeBindingCounts(running, name);
}

/** Measures how long a change takes to reach a subscriber with a stream. */
async function timeUpdates(url: string, rounds: number): Promise<number> {
	const client = new McpClient(url);
	const session = await client.open();
	const streams = await RawStreams.open(url, [session]);
	await client.subscribe(session);
	try {
		const times: number[] = [];
		// The first one warms up.
		while (times.length <= rounds) {
			const { ms, missing } = await streams.delivery(1, () => update(url), NOTIFICATION_MS);
			if (missing !== 0) throw new Error(`${url} must notify its subscriber; it did not`);
			times.push(ms);
		}
		return rounded(median(times.slice(1)), 3);
	} finally {
		streams.close();
		await client.send(endSession(session));
	}
}

function update(url: string): Promise<Response> {
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
