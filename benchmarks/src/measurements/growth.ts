import { Load } from '../client/load.ts';
import { McpClient } from '../client/mcp-client.ts';
import {
	changingUri,
	endSession,
	sessionMessage,
	sessionToolCall,
	statelessToolCall,
	sumResponse,
} from '../client/mcp-requests.ts';
import { RawStreams } from '../client/raw-streams.ts';
import { workloadSteps } from '../client/workload-steps.ts';
import { countingPlugin, takeBindingCounts } from '../operations/counted-contender.ts';
import { describeStorage } from '../operations/operation-counts.ts';
import type { OperationCounts } from '../operations/operation-counts.ts';
import { table } from '../reports/markdown.ts';
import { endpoint, startContenders } from '../runtime/start-contenders.ts';
import type { RunningContenders } from '../runtime/start-contenders.ts';
import type { Effort, Measurement } from './measurement.ts';
import { median, rounded } from './statistics.ts';

interface GrowthEffort {
	/** Numbers of sessions, increasing. */
	readonly sessions: readonly number[];
	/** Numbers of subscribers of a resource, increasing. */
	readonly subscribers: readonly number[];
	readonly rounds: number;
	readonly connections: number;
	/** Calls of each connection in a round. */
	readonly calls: number;
}

/** The contenders whose store grows. */
const names = ['growing-kv', 'growing-object'] as const;
/** One of them. */
export type Growing = (typeof names)[number];
type Filling = 'sessions' | 'subscribers';
type GrowingWorkers = RunningContenders<Growing | 'bare-worker'>;

/** The cost of a call beside other sessions. */
interface SessionsPoint {
	readonly sessions: number;
	/** The speed of calls relative to a bare Worker in the same round: a median. */
	readonly toBareWorker: Readonly<Record<Growing, number>>;
	/** The operations of one call. */
	readonly operations: Readonly<Record<Growing, OperationCounts>>;
}

/** The cost of a change of a resource whose other subscribers have no stream. */
interface SubscribersPoint {
	readonly subscribers: number;
	/** Milliseconds until a subscriber with a stream is notified: a median. */
	readonly notifiedMs: Readonly<Record<Growing, number>>;
	readonly operations: Readonly<Record<Growing, OperationCounts>>;
}

/** Costs by the number of sessions and of subscribers. */
export interface Growth {
	readonly rounds: number;
	readonly sessions: readonly SessionsPoint[];
	readonly subscribers: readonly SubscribersPoint[];
}

const efforts: Readonly<Record<Effort, GrowthEffort>> = {
	full: {
		sessions: [10, 100, 1_000, 10_000, 100_000],
		subscribers: [10, 100, 1_000, 10_000],
		rounds: 5,
		connections: 32,
		calls: 20,
	},
	quick: { sessions: [10, 50], subscribers: [10, 50], rounds: 1, connections: 2, calls: 1 },
};

const BATCH = 1_000;
const NOTIFICATION_MS = 60_000;

/** Fills stores step by step. At each step one set of Workers is timed, and another one counts. */
export const growth: Measurement<Growth> = {
	async measure(effortName, onProgress) {
		const effort = efforts[effortName];
		const timed = await startContenders([...names, 'bare-worker']);
		const counted = await startContenders([...names, 'bare-worker'], {
			plugins: [countingPlugin],
			keepObjects: true,
		});
		const load = new Load();
		/** Fills both at the same time, which takes most of the time. */
		const fillBoth = async (filling: Filling, step: number): Promise<void> => {
			onProgress(`${effort[filling][step]} ${filling}`);
			const both = [timed, counted].map((workers) => fill(workers, filling, effort[filling], step));
			await Promise.all(both);
		};
		try {
			const sessions: SessionsPoint[] = [];
			for (const [step, count] of effort.sessions.entries()) {
				await fillBoth('sessions', step);
				const operations = await byName((name) => countCall(counted, name));
				const toBareWorker = await measureSpeeds(timed, load, effort);
				sessions.push({ sessions: count, toBareWorker, operations });
			}
			const subscribers: SubscribersPoint[] = [];
			for (const [step, count] of effort.subscribers.entries()) {
				await fillBoth('subscribers', step);
				const operations = await byName((name) => countUpdate(counted, name));
				const notifiedMs = await byName((name) => timeUpdates(timed, name, effort.rounds));
				subscribers.push({ subscribers: count, notifiedMs, operations });
			}
			return { rounds: effort.rounds, sessions, subscribers };
		} finally {
			await load.stop();
			await timed.stop();
			await counted.stop();
		}
	},

	format({ rounds, sessions, subscribers }) {
		const bySessions = table(
			[
				'sessions',
				'KV: speed to a bare Worker',
				'a call',
				'Durable Objects: speed to a bare Worker',
				'a call',
			],
			sessions.map(({ sessions: count, toBareWorker, operations }) => [
				count.toLocaleString('en'),
				toBareWorker['growing-kv'].toFixed(2),
				describeStorage(operations['growing-kv']),
				toBareWorker['growing-object'].toFixed(2),
				describeStorage(operations['growing-object']),
			]),
		);
		const bySubscribers = table(
			[
				'subscribers of a changing resource',
				'KV: one is notified after, ms',
				'a change',
				'Durable Objects: one is notified after, ms',
				'a change',
			],
			subscribers.map(({ subscribers: count, notifiedMs, operations }) => [
				count.toLocaleString('en'),
				notifiedMs['growing-kv'].toFixed(1),
				describeStorage(operations['growing-kv']),
				notifiedMs['growing-object'].toFixed(1),
				describeStorage(operations['growing-object']),
			]),
		);
		return `${bySessions}\n\n${bySubscribers}\n\nMedians of ${rounds} rounds.`;
	},

	shortfalls: () => [],
};

/** Adds to both stores what is missing since the previous step. */
async function fill(
	running: GrowingWorkers,
	filling: Filling,
	sizes: readonly number[],
	step: number,
): Promise<void> {
	const [before = 0, total = 0] = [sizes[step - 1], sizes[step]];
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
	await client.send(sessionToolCall(session), sumResponse);
	return takeBindingCounts(running, name);
}

async function countUpdate(running: GrowingWorkers, name: Growing): Promise<OperationCounts> {
	const client = new McpClient(endpoint(running, name));
	await takeBindingCounts(running, name);
	await client.send(statelessToolCall('update_resource'), 'updated');
	return takeBindingCounts(running, name);
}

async function measureSpeeds(
	running: GrowingWorkers,
	load: Load,
	{ rounds, connections, calls }: GrowthEffort,
): Promise<Record<Growing, number>> {
	const speedOf = async (name: Growing | 'bare-worker'): Promise<number> => {
		const url = endpoint(running, name);
		const steps = await workloadSteps('call', connections, name, url);
		return load.roundsPerSecond({ url, steps, rounds: connections * calls });
	};
	const ratios: Record<Growing, number[]> = { 'growing-kv': [], 'growing-object': [] };
	for (let round = 0; round <= rounds; round += 1) {
		const bare = await speedOf('bare-worker');
		for (const name of names) {
			const ratio = (await speedOf(name)) / bare;
			if (round > 0) ratios[name].push(ratio); // The first round warms up.
		}
	}
	return byName((name) => rounded(median(ratios[name]), 3));
}

/** Measures how long a change takes to reach a subscriber with a stream. */
async function timeUpdates(
	running: GrowingWorkers,
	name: Growing,
	rounds: number,
): Promise<number> {
	const url = endpoint(running, name);
	const client = new McpClient(url);
	const session = await client.open();
	const streams = await RawStreams.open(url, [session]);
	const params = { uri: changingUri };
	await client.send(sessionMessage(session, { id: 5, method: 'resources/subscribe', params }));
	const change = (): Promise<unknown> =>
		client.send(statelessToolCall('update_resource'), 'updated');
	const timeUpdate = async (): Promise<number> => {
		const { ms, missing } = await streams.delivery(1, change, NOTIFICATION_MS);
		if (missing !== 0) throw new Error(`${url} must notify its subscriber; it did not`);
		return ms;
	};
	try {
		await timeUpdate(); // The first one warms up.
		const times: number[] = [];
		while (times.length < rounds) times.push(await timeUpdate());
		return rounded(median(times), 3);
	} finally {
		streams.close();
		await client.send(endSession(session));
	}
}

async function byName<Result>(
	resultOf: (name: Growing) => Result | Promise<Result>,
): Promise<Record<Growing, Result>> {
	return {
		'growing-kv': await resultOf('growing-kv'),
		'growing-object': await resultOf('growing-object'),
	};
}
