import { Load } from '../client/load.ts';
import type { LoadStep } from '../client/load.ts';
import { McpClient } from '../client/mcp-client.ts';
import { callStep } from '../client/workload-steps.ts';
import { contendersIn, titleOf } from '../contenders.ts';
import type { ContenderIn } from '../contenders.ts';
import { table } from '../reports/markdown.ts';
import { endpoint, startContenders } from '../runtime/start-contenders.ts';
import type { Effort, Measurement, Progress } from './measurement.ts';
import { aimsTable, inTurn, isSettled, median, missedAims, rounded } from './statistics.ts';
import type { Aim, Rounds } from './statistics.ts';

interface SessionsEffort {
	readonly cases: readonly SessionsCase[];
	/** Every contender has one turn in each round. */
	readonly rounds: Rounds;
	/** The approximate length of a turn. */
	readonly seconds: number;
	/** The number of calls that warm up, and again to estimate the speed. */
	readonly warmUps: number;
}

interface SessionsCase {
	readonly sessions: number;
	/** The connections that share the sessions. */
	readonly connections: number;
}

/** A contender whose sessions have an object each. */
type SessionContender = ContenderIn<'session object'>;

interface SessionsSpeed extends SessionsCase {
	/** The rounds behind the medians. */
	readonly rounds: number;
	/** Medians. */
	readonly callsPerSecond: Readonly<Record<SessionContender, number>>;
	/** Medians of the ratios within each round. */
	readonly toBareCall: number;
	readonly toMcpAgent: number;
}

/** The speeds of each case. */
export type SessionSpeeds = readonly SessionsSpeed[];

/** Makes about so many calls and returns the calls per second. */
type Turn = (calls: number) => Promise<number>;

const names = contendersIn('session object');
const efforts: Readonly<Record<Effort, SessionsEffort>> = {
	full: {
		cases: [
			{ sessions: 1, connections: 1 },
			{ sessions: 100, connections: 32 },
		],
		rounds: { least: 5, most: 9 },
		seconds: 1,
		warmUps: 640,
	},
	quick: {
		cases: [
			{ sessions: 1, connections: 1 },
			{ sessions: 5, connections: 2 },
		],
		rounds: { least: 1, most: 1 },
		seconds: 0.01,
		warmUps: 1,
	},
};

/** Measures calls of sessions that have an object each. */
export const sessions: Measurement<SessionSpeeds> = {
	async measure(effort, onProgress) {
		const running = await startContenders(names, { onLog: () => {} });
		const load = new Load();
		const speeds: SessionsSpeed[] = [];
		try {
			for (const each of efforts[effort].cases) {
				const turns = new Map<SessionContender, Turn>();
				for (const name of names) {
					onProgress(`${titleOfCase(each)}: warming up ${name}`);
					turns.set(name, await createTurn(load, endpoint(running, name), each));
				}
				speeds.push(await measureCase(each, turns, efforts[effort], onProgress));
			}
			return speeds;
		} finally {
			await load.stop();
			await running.stop();
		}
	},

	format(speeds) {
		const calls = table(
			['calls a second', ...names.map(titleOf), 'rounds'],
			speeds.map((each) => [
				titleOfCase(each),
				...names.map((name) => each.callsPerSecond[name].toLocaleString('en')),
				String(each.rounds),
			]),
		);
		return `${calls}\n\n${aimsTable('`session-object`', aimsOf(speeds))}`;
	},

	shortfalls: (speeds, effort) => (effort === 'quick' ? [] : missedAims(aimsOf(speeds))),
};

async function measureCase(
	each: SessionsCase,
	turns: ReadonlyMap<SessionContender, Turn>,
	{ rounds, seconds, warmUps }: SessionsEffort,
	onProgress: Progress,
): Promise<SessionsSpeed> {
	const amounts = new Map<SessionContender, number>();
	for (const [name, turn] of turns) {
		await turn(warmUps);
		amounts.set(name, (await turn(warmUps)) * seconds);
	}
	const samples = byName((): number[] => []);
	const ratios = (to: SessionContender): number[] =>
		samples['session-object'].map((speed, round) => speed / (samples[to][round] ?? NaN));
	const toBareCall = (): number[] => ratios('bare-worker-session-object');
	const toMcpAgent = (): number[] => ratios('mcp-agent');
	for (let round = 0; !isSettled([toBareCall(), toMcpAgent()], rounds); round += 1) {
		onProgress(`${titleOfCase(each)}: round ${round + 1} of ${rounds.least} to ${rounds.most}`);
		for (const name of inTurn(names, round)) {
			samples[name].push((await turns.get(name)?.(amounts.get(name) ?? 1)) ?? NaN);
		}
	}
	return {
		...each,
		rounds: toBareCall().length,
		callsPerSecond: byName((name) => Math.round(median(samples[name]))),
		toBareCall: rounded(median(toBareCall()), 3),
		toMcpAgent: rounded(median(toMcpAgent()), 3),
	};
}

/** Opens the sessions of one contender and divides them among the connections. */
async function createTurn(
	load: Load,
	url: string,
	{ sessions: count, connections }: SessionsCase,
): Promise<Turn> {
	const calls = (await new McpClient(url).openSessions(count)).map(callStep);
	const perConnection = Math.ceil(count / connections);
	const steps: LoadStep[][] = Array.from({ length: connections }, (_, connection) =>
		Array.from({ length: perConnection }, (__, step) => connection + step * connections).flatMap(
			(index) => calls[index % count] ?? [],
		),
	);
	return async (times) => {
		const rounds = Math.max(connections, Math.ceil(times / perConnection));
		return perConnection * (await load.roundsPerSecond({ url, steps, rounds }));
	};
}

function aimsOf(speeds: SessionSpeeds): Aim[] {
	return speeds.flatMap((each) => [
		{
			subject: `${titleOfCase(each)}, to ${titleOf('mcp-agent')}`,
			least: 3,
			found: each.toMcpAgent,
		},
		{ subject: `${titleOfCase(each)}, to the bare RPC`, least: 0.6, found: each.toBareCall },
	]);
}

function byName<Value>(
	valueOf: (name: SessionContender) => Value,
): Record<SessionContender, Value> {
	// Safe because there is one entry for each name.
	return Object.fromEntries(names.map((name) => [name, valueOf(name)])) as Record<
		SessionContender,
		Value
	>;
}

function titleOfCase({ sessions: count, connections }: SessionsCase): string {
	return `${plural(count, 'session')} at ${plural(connections, 'connection')}`;
}

function plural(count: number, noun: string): string {
	return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
