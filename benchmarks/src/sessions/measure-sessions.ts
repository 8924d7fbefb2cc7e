import { contendersIn } from '../contenders.ts';
import type { ContenderIn } from '../contenders.ts';
import { sessionToolCall } from '../mcp-requests.ts';
import { median } from '../median.ts';
import { openSessions } from '../open-sessions.ts';
import { endpoint, startContenders } from '../start-contenders.ts';
import { Load } from '../throughput/load.ts';
import type { LoadStep } from '../throughput/load.ts';
import { inTurn, isSettled } from '../throughput/rounds.ts';
import type { Rounds } from '../throughput/rounds.ts';

/** How much to measure. */
export interface SessionsEffort {
	readonly cases: readonly SessionsCase[];
	/** Each contender has one turn in a round. */
	readonly rounds: Rounds;
	/** The length of a turn, about. */
	readonly seconds: number;
	/** How many calls warm up, before it is known how fast they are. */
	readonly warmUps: number;
}

/** So many sessions, whose calls so many connections send. */
export interface SessionsCase {
	readonly sessions: number;
	readonly connections: number;
}

/** Whose sessions have an object each. */
type OwnObject = ContenderIn<'own object'>;

/** What was found in one case. */
interface SessionsSpeed extends SessionsCase {
	/** How many rounds the medians are of. */
	readonly rounds: number;
	/** Calls a second: a median. */
	readonly callsPerSecond: Readonly<Record<OwnObject, number>>;
	/** The speed to that of the other one in the same round: medians. */
	readonly toBareCall: number;
	readonly toMcpAgent: number;
}

/** What was found, by case. */
export type SessionSpeeds = readonly SessionsSpeed[];

const names = contendersIn('own object');
type Samples = Record<OwnObject, number[]>;
/** Makes about so many calls. @returns how many a second. */
type Turn = (calls: number) => Promise<number>;

/** Measures calls of sessions that have an object each, the contenders taking turns. */
export async function measureSessions(
	effort: SessionsEffort,
	onProgress: (line: string) => void,
): Promise<SessionSpeeds> {
	const running = await startContenders(names, { onLog: () => {} });
	const load = new Load();
	const found: SessionsSpeed[] = [];
	try {
		for (const each of effort.cases) {
			const turns = new Map<OwnObject, Turn>();
			for (const name of names) {
				onProgress(`${inWords(each)}: warming up ${name}`);
				turns.set(name, await turnOf(load, endpoint(running, name), each));
			}
			found.push(await measureCase(each, turns, effort, onProgress));
		}
		return found;
	} finally {
		await load.stop();
		await running.stop();
	}
}

async function measureCase(
	each: SessionsCase,
	turns: ReadonlyMap<OwnObject, Turn>,
	{ rounds, seconds, warmUps }: SessionsEffort,
	onProgress: (line: string) => void,
): Promise<SessionsSpeed> {
	const amounts = new Map<OwnObject, number>();
	for (const [name, turn] of turns) {
		await turn(warmUps);
		amounts.set(name, (await turn(warmUps)) * seconds);
	}
	const samples: Samples = {
		'bare-worker-session-object': [],
		'transport-session-object': [],
		'session-object': [],
		'mcp-agent': [],
	};
	const ratios = (to: OwnObject): number[] =>
		samples['session-object'].map((speed, round) => speed / (samples[to][round] ?? NaN));
	const toBareCall = (): number[] => ratios('bare-worker-session-object');
	const toMcpAgent = (): number[] => ratios('mcp-agent');
	for (let round = 0; !isSettled([toBareCall(), toMcpAgent()], rounds); round += 1) {
		onProgress(`${inWords(each)}: round ${round + 1} of ${rounds.least} to ${rounds.most}`);
		for (const name of inTurn(names, round)) {
			samples[name].push((await turns.get(name)?.(amounts.get(name) ?? 1)) ?? NaN);
		}
	}
	return {
		...each,
		rounds: toBareCall().length,
		callsPerSecond: {
			'bare-worker-session-object': Math.round(median(samples['bare-worker-session-object'])),
			'transport-session-object': Math.round(median(samples['transport-session-object'])),
			'session-object': Math.round(median(samples['session-object'])),
			'mcp-agent': Math.round(median(samples['mcp-agent'])),
		},
		toBareCall: Number(median(toBareCall()).toFixed(3)),
		toMcpAgent: Number(median(toMcpAgent()).toFixed(3)),
	};
}

/** Opens the sessions of one contender. Each connection takes turns with as many of them. */
async function turnOf(
	load: Load,
	url: string,
	{ sessions, connections }: SessionsCase,
): Promise<Turn> {
	const calls = (await openSessions(url, sessions)).map((session) => ({
		request: sessionToolCall(session),
		expected: '"text":"3"',
	}));
	const ofEach = Math.ceil(sessions / connections);
	const steps: LoadStep[][] = Array.from({ length: connections }, (_, connection) =>
		Array.from({ length: ofEach }, (__, step) => connection + step * connections).flatMap(
			(index) => calls[index % sessions] ?? [],
		),
	);
	return async (times) => {
		const rounds = Math.max(connections, Math.ceil(times / ofEach));
		return ofEach * (await load.roundsPerSecond({ url, steps, rounds }));
	};
}

function inWords({ sessions, connections }: SessionsCase): string {
	return `${sessions} sessions at ${connections} connections`;
}
