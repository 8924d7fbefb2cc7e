import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { Contender } from '../contenders.ts';
import { endpoint, startContenders } from '../start-contenders.ts';
import type { RunningContenders } from '../start-contenders.ts';
import { stepsOf } from './jobs.ts';
import { Load } from './load.ts';
import { inTurn, isSettled } from './rounds.ts';
import type { Rounds } from './rounds.ts';
import { measuredContenders, workNames, works } from './works.ts';
import type { WorkName } from './works.ts';

/** How long to measure. */
export interface ThroughputEffort {
	/** Each contender has one turn in a round of calls. */
	readonly rounds: Rounds;
	/** The same of sessions, whose turns take longer. */
	readonly sessionRounds: Rounds;
	/** The length of a turn, about. */
	readonly seconds: number;
	/** How many times each connection does its work to warm up, before it is known how fast that is. */
	readonly warmUps: number;
}

/** How many times a second each contender did the work, one figure for each round. */
export type Samples = Record<WorkName, Partial<Record<Contender, number[]>>>;

/** Measures all contenders side by side, taking turns. @throws where an answer is wrong. */
export async function measureThroughput(
	effort: ThroughputEffort,
	onProgress: (line: string) => void,
): Promise<Samples> {
	const redis = await startRedis();
	const load = new Load();
	let running: RunningContenders<Contender> | undefined;
	try {
		running = await startContenders(measuredContenders, {
			vars: { UPSTASH_REDIS_REST_URL: redis.url, UPSTASH_REDIS_REST_TOKEN: redis.token },
		});
		const samples: Partial<Samples> = {};
		for (const name of workNames) {
			samples[name] = await measureWork(name, running, load, effort, onProgress);
		}
		// Sound: one entry for each kind of work.
		return samples as Samples;
	} finally {
		await load.stop();
		await running?.stop();
		await redis.stop();
	}
}

async function measureWork(
	name: WorkName,
	running: RunningContenders<Contender>,
	load: Load,
	{ rounds: roundsOfCalls, sessionRounds, seconds, warmUps }: ThroughputEffort,
	onProgress: (line: string) => void,
): Promise<Partial<Record<Contender, number[]>>> {
	const { kind, connections, contenders } = works[name];
	const rounds = kind === 'initialize' || kind === 'session' ? sessionRounds : roundsOfCalls;
	const turns = new Map<Contender, (times: number) => Promise<number>>();
	const amounts = new Map<Contender, number>();
	onProgress(`${name}: warming up ${contenders.length} contenders`);
	for (const contender of contenders) {
		const url = endpoint(running, contender);
		const steps = await stepsOf(name, contender, url);
		const turn = (times: number): Promise<number> =>
			load.roundsPerSecond({ url, steps, rounds: connections * Math.max(1, Math.round(times)) });
		await turn(warmUps);
		const speed = await turn(warmUps);
		turns.set(contender, turn);
		amounts.set(contender, (speed * seconds) / connections);
	}
	const samples: Partial<Record<Contender, number[]>> = {};
	for (let round = 0; !isSettled(toBareWorker(samples), rounds); round += 1) {
		onProgress(`${name}: round ${round + 1} of ${rounds.least} to ${rounds.most}`);
		for (const contender of inTurn(contenders, round)) {
			const speed = (await turns.get(contender)?.(amounts.get(contender) ?? 1)) ?? NaN;
			(samples[contender] ??= []).push(speed);
		}
	}
	return samples;
}

/** What is published first of the rounds so far. */
function toBareWorker(samples: Partial<Record<Contender, number[]>>): number[][] {
	const bare = samples['bare-worker'] ?? [];
	const ratios = Object.values(samples).map((own) =>
		own.map((speed, round) => speed / (bare[round] ?? NaN)),
	);
	return ratios.length === 0 ? [[]] : ratios;
}
