import type { Load, LoadStep } from '../client/load.ts';
import {
	endSession,
	initialize,
	McpClient,
	sessionMessage,
	statelessToolCall,
	SUM,
	toolCall,
} from '../client/mcp.ts';
import { hasSessions } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { endpoint } from '../runtime.ts';
import type { RunningContenders } from '../runtime.ts';
import { takeTurns } from './measurement.ts';
import type { Figures, Progress, Rounds } from './measurement.ts';

/** What a connection sends again and again: `session` is from `initialize` to DELETE, with ten calls. */
type Workload = 'call' | 'stateless call' | 'initialize' | 'session';

/** The load of a turn of one contender. */
export interface Work {
	readonly workload: Workload;
	/** Concurrent connections. */
	readonly connections: number;
	/** The sessions that the connections share; default: each has its own. */
	readonly sessions?: number;
}

/** How often each connection repeats its steps in a turn, or how long a turn takes, about. */
export type Length =
	| { readonly repeats: number }
	/** Each connection repeats its steps to warm up, and again to estimate its speed. */
	| { readonly seconds: number; readonly warmUps: number };

const SESSION_CALLS = 10;

/** Lets contenders work in turns. Returns how many times a second all steps were done, in each round. */
export async function measureSpeeds<Name extends Contender>(
	names: readonly Name[],
	running: RunningContenders<Name>,
	load: Load,
	{ length, rounds, ...work }: Work & { readonly length: Length; readonly rounds: Rounds },
	onProgress: Progress,
	figuresOf?: Figures<Name, number>,
): Promise<Record<Name, number[]>> {
	const turns = new Map<Name, () => Promise<number>>();
	for (const name of names) {
		onProgress(`warming up ${name}`);
		const url = endpoint(running, name);
		const steps = await stepsOf(work, name, url);
		const turn = (repeats: number): Promise<number> => {
			const times = steps.length * Math.max(1, Math.round(repeats));
			return load.roundsPerSecond({ url, steps, rounds: times });
		};
		let repeats = 'repeats' in length ? length.repeats : length.warmUps;
		if ('seconds' in length) {
			await turn(repeats);
			repeats = ((await turn(repeats)) * length.seconds) / steps.length;
		}
		turns.set(name, () => turn(repeats));
	}
	const turnOf = async (name: Name): Promise<number> => (await turns.get(name)?.()) ?? NaN;
	return takeTurns(names, rounds, turnOf, onProgress, figuresOf);
}

/** Creates the steps of each connection, and opens the sessions that they need. */
export async function stepsOf(work: Work, name: Contender, url: string): Promise<LoadStep[][]> {
	const { workload, connections, sessions = connections } = work;
	if (workload === 'call') {
		const client = new McpClient(url);
		const ids: (string | undefined)[] = hasSessions(name)
			? await client.openSessions(sessions)
			: Array.from({ length: sessions });
		const perConnection = Math.ceil(sessions / connections);
		return Array.from({ length: connections }, (_, connection) =>
			Array.from({ length: perConnection }, (__, step) =>
				callStep(ids[(connection + step * connections) % sessions]),
			),
		);
	}
	const opening = { request: initialize(), expected: '"serverInfo"' };
	const steps = {
		'stateless call': [{ request: statelessToolCall(), expected: SUM }],
		initialize: [opening],
		session: [opening, ...restOfSession(hasSessions(name))],
	}[workload];
	return Array.from({ length: connections }, () => steps);
}

/** Up to DELETE. A contender without sessions gets neither an id nor a DELETE. */
function restOfSession(inSession: boolean): LoadStep[] {
	const initialized = sessionMessage(undefined, { method: 'notifications/initialized' });
	return [
		{ request: initialized, expected: '' },
		...Array.from({ length: SESSION_CALLS }, () => callStep(undefined)),
		...(inSession ? [{ request: endSession(undefined), expected: '' }] : []),
	].map((step) => ({ ...step, inSession }));
}

function callStep(session: string | undefined): LoadStep {
	return { request: toolCall(session), expected: SUM };
}
