import { McpClient } from '../mcp-client.ts';
import { median } from '../median.ts';
import { sessionToolCall, statelessToolCall, sumAnswer } from '../mcp-requests.ts';
import { countingPlugin } from '../operations/counting-plugin.ts';
import { addCounts } from '../operations/operation-counts.ts';
import type { OperationCounts } from '../operations/operation-counts.ts';
import { endpoint, startContenders } from '../start-contenders.ts';
import type { RunningContenders } from '../start-contenders.ts';
import { stepsOf } from '../throughput/jobs.ts';
import { Load } from '../throughput/load.ts';

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

const growing = ['growing-kv', 'growing-object'] as const;
/** Whose store grows. */
type Growing = (typeof growing)[number];

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
	readonly operations: Readonly<Record<Growing, OperationCounts>>;
}

/** The curves. */
export interface Growth {
	readonly sessions: readonly SessionsPoint[];
	readonly subscribers: readonly SubscribersPoint[];
}

const FILLED_AT_ONCE = 1_000;
type Running = RunningContenders<Growing | 'bare-worker'>;

/** Fills the stores step by step, and looks at each step. */
export async function measureGrowth(
	effort: GrowthEffort,
	onProgress: (line: string) => void,
): Promise<Growth> {
	const speeds = await measureSpeeds(effort, onProgress);
	const counted = await startContenders([...growing, 'bare-worker'], { plugins: [countingPlugin] });
	try {
		const sessions: SessionsPoint[] = [];
		for (const [step, count] of effort.sessions.entries()) {
			onProgress(`counting beside ${count} sessions`);
			const operations = await eachGrowing((name) =>
				countCall(counted, name, effort.sessions, step),
			);
			const toBareWorker = speeds[step] ?? { 'growing-kv': NaN, 'growing-object': NaN };
			sessions.push({ sessions: count, toBareWorker, operations });
		}
		const subscribers: SubscribersPoint[] = [];
		for (const [step, count] of effort.subscribers.entries()) {
			onProgress(`counting with ${count} subscribers`);
			const operations = await eachGrowing((name) =>
				countUpdate(counted, name, effort.subscribers, step),
			);
			subscribers.push({ subscribers: count, operations });
		}
		return { sessions, subscribers };
	} finally {
		await counted.stop();
	}
}

async function measureSpeeds(
	{ sessions, rounds, calls }: GrowthEffort,
	onProgress: (line: string) => void,
): Promise<Record<Growing, number>[]> {
	const running = await startContenders([...growing, 'bare-worker']);
	const load = new Load();
	const speed = async (name: Growing | 'bare-worker'): Promise<number> => {
		const url = endpoint(running, name);
		const steps = await stepsOf('call-32', name === 'bare-worker' ? name : 'ours-http', url);
		return load.roundsPerSecond({ url, steps, rounds: steps.length * calls });
	};
	const speeds: Record<Growing, number>[] = [];
	try {
		for (const [step, count] of sessions.entries()) {
			onProgress(`calls beside ${count} sessions`);
			for (const name of growing) await fill(running, name, 'sessions', sessions, step);
			const ratios: Record<Growing, number[]> = { 'growing-kv': [], 'growing-object': [] };
			for (let round = 0; round <= rounds; round += 1) {
				const bare = await speed('bare-worker');
				for (const name of growing) {
					const ratio = (await speed(name)) / bare;
					if (round > 0) ratios[name].push(ratio); // The first one warms up.
				}
			}
			speeds.push(await eachGrowing((name) => Number(median(ratios[name]).toFixed(3))));
		}
		return speeds;
	} finally {
		await load.stop();
		await running.stop();
	}
}

async function countCall(
	running: Running,
	name: Growing,
	sizes: readonly number[],
	step: number,
): Promise<OperationCounts> {
	await fill(running, name, 'sessions', sizes, step);
	const client = new McpClient(endpoint(running, name));
	const session = await client.open();
	await takeCounts(running, name);
	await client.send(sessionToolCall(session), sumAnswer);
	return takeCounts(running, name);
}

async function countUpdate(
	running: Running,
	name: Growing,
	sizes: readonly number[],
	step: number,
): Promise<OperationCounts> {
	await fill(running, name, 'subscribers', sizes, step);
	await takeCounts(running, name);
	await new McpClient(endpoint(running, name)).send(
		statelessToolCall('update_resource'),
		'updated',
	);
	return takeCounts(running, name);
}

/** What was counted since this was last asked, once all work has settled. */
async function takeCounts(running: Running, name: Growing): Promise<OperationCounts> {
	const counts: OperationCounts[] = [];
	for (const worker of [name, 'objects'] as const) {
		const response = await fetch(new URL('/operations', running.url(worker)));
		counts.push(await response.json<OperationCounts>());
	}
	return addCounts(...counts);
}

/** Adds what is missing since the step before. */
async function fill(
	running: Running,
	name: Growing,
	what: 'sessions' | 'subscribers',
	sizes: readonly number[],
	step: number,
): Promise<void> {
	const [before = 0, total = 0] = [sizes[step - 1], sizes[step]];
	for (let from = before; from < total; from += FILLED_AT_ONCE) {
		const count = Math.min(FILLED_AT_ONCE, total - from);
		const url = new URL(`/${what}?from=${from}&count=${count}`, running.url(name));
		const response = await fetch(url);
		if (!response.ok) throw new Error(`${url.href} was answered ${await response.text()}`);
	}
}

async function eachGrowing<Result>(
	of: (name: Growing) => Result | Promise<Result>,
): Promise<Record<Growing, Result>> {
	return { 'growing-kv': await of('growing-kv'), 'growing-object': await of('growing-object') };
}
