import { median } from '../median.ts';
import { countingPlugin } from '../operations/counting-plugin.ts';
import type { OperationCounts } from '../operations/operation-counts.ts';
import { startContenders } from '../start-contenders.ts';
import { Load } from '../throughput/load.ts';
import { countCall, countUpdate } from './count-growing.ts';
import { fill, growing } from './growing-stores.ts';
import type { Filling, Growing, GrowingWorkers } from './growing-stores.ts';
import { callSpeed, Listener } from './time-growing.ts';

/** How much to measure. */
export interface GrowthEffort {
	/** How many sessions there are, growing. */
	readonly sessions: readonly number[];
	/** How many subscribers a resource has, growing. */
	readonly subscribers: readonly number[];
	readonly rounds: number;
	/** How many calls each of 32 connections makes in a round. */
	readonly calls: number;
}

/** What a call costs beside so many other sessions. */
interface SessionsPoint {
	readonly sessions: number;
	/** Speed of a call at 32 connections, to a bare Worker in the same round: a median. */
	readonly toBareWorker: Readonly<Record<Growing, number>>;
	/** Of one call. */
	readonly operations: Readonly<Record<Growing, OperationCounts>>;
}

/** What a change of a resource with so many subscribers costs, none of which has a stream. */
interface SubscribersPoint {
	readonly subscribers: number;
	/** Until one more, which has a stream, is told: a median, in milliseconds. */
	readonly toldMs: Readonly<Record<Growing, number>>;
	readonly operations: Readonly<Record<Growing, OperationCounts>>;
}

/** The curves. */
export interface Growth {
	/** Of calls, and of changes. */
	readonly rounds: number;
	readonly sessions: readonly SessionsPoint[];
	readonly subscribers: readonly SubscribersPoint[];
}

/** Fills stores step by step, and looks at each step: those of Workers that are timed and that count. */
export async function measureGrowth(
	effort: GrowthEffort,
	onProgress: (line: string) => void,
): Promise<Growth> {
	const timed = await startContenders([...growing, 'bare-worker']);
	const counted = await startContenders([...growing, 'bare-worker'], {
		plugins: [countingPlugin],
		keepObjects: true,
	});
	const load = new Load();
	/** Both at the same time, which is most of what this takes. */
	const fillBoth = async (what: Filling, step: number): Promise<void> => {
		onProgress(`${effort[what][step]} ${what}`);
		const each = [timed, counted].map((workers) => fill(workers, what, effort[what], step));
		await Promise.all(each);
	};
	try {
		const sessions: SessionsPoint[] = [];
		for (const [step, count] of effort.sessions.entries()) {
			await fillBoth('sessions', step);
			const operations = await eachGrowing((name) => countCall(counted, name));
			const toBareWorker = await speeds(timed, load, effort);
			sessions.push({ sessions: count, toBareWorker, operations });
		}
		const subscribers: SubscribersPoint[] = [];
		for (const [step, count] of effort.subscribers.entries()) {
			await fillBoth('subscribers', step);
			const operations = await eachGrowing((name) => countUpdate(counted, name));
			const toldMs = await eachGrowing((name) => timeUpdates(timed, name, effort.rounds));
			subscribers.push({ subscribers: count, toldMs, operations });
		}
		return { rounds: effort.rounds, sessions, subscribers };
	} finally {
		await load.stop();
		await timed.stop();
		await counted.stop();
	}
}

async function speeds(
	timed: GrowingWorkers,
	load: Load,
	{ rounds, calls }: GrowthEffort,
): Promise<Record<Growing, number>> {
	const ratios: Record<Growing, number[]> = { 'growing-kv': [], 'growing-object': [] };
	for (let round = 0; round <= rounds; round += 1) {
		const bare = await callSpeed(timed, load, 'bare-worker', calls);
		for (const name of growing) {
			const ratio = (await callSpeed(timed, load, name, calls)) / bare;
			if (round > 0) ratios[name].push(ratio); // The first one warms up.
		}
	}
	return eachGrowing((name) => rounded(median(ratios[name])));
}

async function timeUpdates(timed: GrowingWorkers, name: Growing, rounds: number): Promise<number> {
	const listener = await Listener.open(timed, name);
	try {
		await listener.toldMs(); // The first one warms up.
		const times: number[] = [];
		while (times.length < rounds) times.push(await listener.toldMs());
		return rounded(median(times));
	} finally {
		await listener.close();
	}
}

async function eachGrowing<Result>(
	of: (name: Growing) => Result | Promise<Result>,
): Promise<Record<Growing, Result>> {
	return { 'growing-kv': await of('growing-kv'), 'growing-object': await of('growing-object') };
}

function rounded(value: number): number {
	return Number(value.toFixed(3));
}
