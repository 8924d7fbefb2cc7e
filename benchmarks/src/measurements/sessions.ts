import { Load } from '../client/load.ts';
import { contendersIn, titleOf } from '../contenders.ts';
import type { ContenderIn } from '../contenders.ts';
import { table } from '../reports/markdown.ts';
import { startContenders } from '../runtime.ts';
import { aimsTable, mapValues, measurement, median, ratios, rounded } from './measurement.ts';
import type { Aim, Effort, Rounds } from './measurement.ts';
import { measureSpeeds } from './speed.ts';
import type { Length } from './speed.ts';

type Case = Record<'sessions' | 'connections', number>;

const names = contendersIn('own-object');
const rounds = { least: 5, most: 9 };
const once = { length: { repeats: 1 }, rounds: { least: 1, most: 1 } };
/** Sessions, and the connections that share them. In a full run 640 calls warm up. */
const cases: Readonly<Record<Effort, readonly (Case & { length: Length; rounds: Rounds })[]>> = {
	full: [
		{ sessions: 1, connections: 1, length: { seconds: 1, warmUps: 640 }, rounds },
		{ sessions: 100, connections: 32, length: { seconds: 1, warmUps: 5 }, rounds },
	],
	quick: [
		{ sessions: 1, connections: 1, ...once },
		{ sessions: 5, connections: 2, ...once },
	],
};

/** Measures calls of sessions that have an object each. */
export const sessions = measurement({
	async measure(effort, onProgress) {
		await using running = await startContenders(names, { onLog: () => {} });
		await using load = new Load();
		const measureCase = async ({ length, rounds, ...each }: (typeof cases)[Effort][number]) => {
			const ratiosOf = (samples: Record<ContenderIn<'own-object'>, number[]>) =>
				(['bare-worker-session-object', 'mcp-agent', 'floor-session-object'] as const).map((name) =>
					ratios(samples['session-object'], samples[name]),
				);
			const samples = await measureSpeeds(
				names,
				running,
				load,
				{ workload: 'call', ...each, length, rounds },
				(line) => onProgress(`${titleOfCase(each)}: ${line}`),
				ratiosOf,
			);
			const callsPerTurn = Math.ceil(each.sessions / each.connections);
			const [toBareCall = [], toMcpAgent = [], toFloor = []] = ratiosOf(samples);
			return {
				...each,
				rounds: toBareCall.length,
				callsPerSecond: mapValues(samples, (own) => Math.round(callsPerTurn * median(own))),
				toBareCall: rounded(median(toBareCall), 3),
				toMcpAgent: rounded(median(toMcpAgent), 3),
				toFloor: rounded(median(toFloor), 3),
			};
		};
		const speeds: Awaited<ReturnType<typeof measureCase>>[] = [];
		for (const each of cases[effort]) speeds.push(await measureCase(each));
		return speeds;
	},

	format(speeds) {
		const calls = table(
			['calls a second', ...names.map(titleOf), 'rounds'].join(' | '),
			speeds.map((each) => [
				titleOfCase(each),
				...names.map((name) => each.callsPerSecond[name]?.toLocaleString('en') ?? ''),
				String(each.rounds),
			]),
		);
		return `${calls}\n\n${aimsTable('`session-object`', aimsOf(speeds))}`;
	},

	aims: (speeds) => aimsOf(speeds),
});

function aimsOf(
	speeds: readonly (Case & Record<'toMcpAgent' | 'toBareCall' | 'toFloor', number>)[],
): Aim[] {
	return speeds.flatMap((each) => {
		const title = titleOfCase(each);
		return [
			{ subject: `${title}, to ${titleOf('mcp-agent')}`, least: 3, found: each.toMcpAgent },
			{ subject: `${title}, to the bare RPC`, least: 0.6, found: each.toBareCall },
			{ subject: `${title}, to its floor`, least: 0.95, found: each.toFloor },
		];
	});
}

function titleOfCase({ sessions: count, connections }: Case): string {
	const plural = (times: number, noun: string): string =>
		`${times} ${noun}${times === 1 ? '' : 's'}`;
	return `${plural(count, 'session')} at ${plural(connections, 'connection')}`;
}
