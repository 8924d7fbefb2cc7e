import { readFileSync } from 'node:fs';
import { McpClient } from '../client/mcp-client.ts';
import { changingUri, sessionMessage, statelessToolCall } from '../client/mcp-requests.ts';
import { RawStreams } from '../client/raw-streams.ts';
import type { Delivery } from '../client/raw-streams.ts';
import { contendersIn, titleOf } from '../contenders.ts';
import type { ContenderIn } from '../contenders.ts';
import { table } from '../reports/markdown.ts';
import { endpoint, startContenders } from '../runtime/start-contenders.ts';
import type { RunningContenders } from '../runtime/start-contenders.ts';
import type { Effort, Measurement, Progress } from './measurement.ts';
import { median, rounded } from './statistics.ts';

/** A number of streams of each contender, each of a separate session, and of rounds. */
interface Amount {
	readonly streams: number;
	readonly rounds: number;
	readonly warmUps: number;
}

interface FanOutEffort extends Amount {
	/** Rounds of the contenders that run alone. */
	readonly roundsAlone: number;
	/** More streams, for which contenders run one after another. */
	readonly large: Amount;
}

/** All sessions, or the subscribers of a resource. */
type Audience = 'all' | 'some';
type FanOutContender = ContenderIn<'fan-out' | 'fan-out alone'>;
type Deliveries = Partial<Record<FanOutContender, Record<Audience, Delivery[]>>>;

interface FanOutFigures {
	/** Milliseconds from the publishing call until the last receiver has the message: a median. */
	readonly medianMs: number;
	/** Relative to managers in memory within the same round, if they ran side by side: a median. */
	readonly toMemory?: number;
	/** Relative to upstream, kept alive, within the same round: a median. */
	readonly toUpstream?: number;
	/** The share of messages that never arrived. */
	readonly lost: number;
}

type Figures = Partial<Record<FanOutContender, Record<Audience, FanOutFigures>>>;

/** Figures of contenders side by side, and of more streams one after another. */
export interface FanOut {
	readonly streams: number;
	readonly sideBySide: Figures;
	readonly largeStreams: number;
	readonly large: Figures;
}

/** The limit of one isolate, ours, and upstream. Each has its own object. */
const sideBySideNames: readonly FanOutContender[] = contendersIn('fan-out');
/** Contenders that share an object with one of those, or that only show how much arrives. */
const aloneNames: readonly FanOutContender[] = contendersIn('fan-out alone');
/** Contenders whose publications workerd cancels when their request ends. */
const lossy: readonly FanOutContender[] = ['memory-bare', 'upstream'];

/** The number of subscribers of the resource. */
const SUBSCRIBERS = 10;
const ARRIVAL_MS = 180_000;
/** Lost messages do not arrive later. */
const LOSS_MS = 500;
const LOSS_MS_PER_STREAM = 1;
/** Files that workerd has open besides connections, estimated generously. */
const OTHER_FILES = 600;

const efforts: Readonly<Record<Effort, FanOutEffort>> = {
	full: {
		streams: 1_000,
		rounds: 9,
		warmUps: 1,
		roundsAlone: 3,
		large: { streams: Math.min(10_000, maxConnections()), rounds: 1, warmUps: 1 },
	},
	quick: {
		streams: 12,
		rounds: 1,
		warmUps: 0,
		roundsAlone: 1,
		large: { streams: 16, rounds: 1, warmUps: 0 },
	},
};

/** Measures how long a message takes to all of many streams, and to ten of them. */
export const fanOut: Measurement<FanOut> = {
	async measure(effort, onProgress) {
		const { streams, rounds, roundsAlone, warmUps, large } = efforts[effort];
		const publish = (names: readonly FanOutContender[], amount: Amount): Promise<Deliveries> =>
			publishInTurns(names, amount, onProgress);
		const sideBySide = await publish(sideBySideNames, { streams, rounds, warmUps });
		for (const name of aloneNames) {
			Object.assign(sideBySide, await publish([name], { streams, rounds: roundsAlone, warmUps }));
		}
		const larger: Deliveries = {};
		for (const name of sideBySideNames) Object.assign(larger, await publish([name], large));
		return {
			streams,
			sideBySide: figuresOf(sideBySide, streams),
			largeStreams: large.streams,
			large: figuresOf(larger, large.streams),
		};
	},

	format({ streams, sideBySide, largeStreams, large }) {
		const count = streams.toLocaleString('en');
		const beside = table(
			[
				'time until the last receiver has it',
				`all of ${count}, ms`,
				'to memory',
				'to upstream',
				`${SUBSCRIBERS} of ${count}, ms`,
				'to memory',
				'to upstream',
				'lost',
			],
			[...sideBySideNames, ...aloneNames].flatMap((name) => {
				const figures = sideBySide[name];
				if (!figures) return [];
				const ratios = [figures.all, figures.some].flatMap(
					({ medianMs, toMemory, toUpstream, lost }) => [
						lost === 0 ? medianMs.toFixed(0) : '',
						formatRatio(toMemory),
						formatRatio(toUpstream),
					],
				);
				return [[titleOf(name), ...ratios, formatLoss(figures)]];
			}),
		);
		const many = largeStreams.toLocaleString('en');
		const oneByOne = table(
			[
				`${many} streams, one contender after another`,
				'to all, ms',
				`to ${SUBSCRIBERS}, ms`,
				'lost',
			],
			sideBySideNames.flatMap((name) => {
				const figures = large[name];
				if (!figures) return [];
				const { all, some } = figures;
				return [
					[titleOf(name), all.medianMs.toFixed(0), some.medianMs.toFixed(0), formatLoss(figures)],
				];
			}),
		);
		return `${beside}\n\n${oneByOne}`;
	},

	shortfalls: ({ sideBySide }) =>
		Object.entries(sideBySide)
			.filter(([name, { all, some }]) => !isLossy(name) && all.lost + some.lost > 0)
			.map(([name]) => `${name} must deliver every message; it lost some.`),
};

/** Opens all streams of the contenders, and publishes to each in turn. */
async function publishInTurns(
	names: readonly FanOutContender[],
	{ streams, rounds, warmUps }: Amount,
	onProgress: Progress,
): Promise<Deliveries> {
	// Upstream logs every message that it drops.
	const running = await startContenders(names, { onLog: () => {} });
	const opened = new Map<FanOutContender, RawStreams>();
	const publish = async (
		name: FanOutContender,
		tool: string,
		expected: number,
	): Promise<Delivery> => {
		const call = (): Promise<unknown> =>
			new McpClient(endpoint(running, name)).send(statelessToolCall(tool), '"result"');
		const timeoutMs = isLossy(name) ? LOSS_MS + streams * LOSS_MS_PER_STREAM : ARRIVAL_MS;
		const delivery = await opened.get(name)?.delivery(expected, call, timeoutMs);
		return delivery ?? { ms: NaN, missing: expected };
	};
	try {
		for (const name of names) {
			onProgress(`opening ${streams} streams of ${name}`);
			opened.set(name, await openStreams(running, name, streams));
		}
		const deliveries: Deliveries = {};
		for (let round = 1 - warmUps; round <= rounds; round += 1) {
			onProgress(`round ${round} of ${rounds}`);
			for (const name of names) {
				const all = await publish(name, 'change_list', streams);
				const some = await publish(name, 'update_resource', Math.min(SUBSCRIBERS, streams));
				if (round < 1) continue;
				const own = (deliveries[name] ??= { all: [], some: [] });
				own.all.push(all);
				own.some.push(some);
			}
		}
		return deliveries;
	} finally {
		for (const each of opened.values()) each.close();
		await running.stop();
	}
}

/** Opens sessions with a stream each. The first ones subscribe to the resource. */
async function openStreams(
	running: RunningContenders<FanOutContender>,
	name: FanOutContender,
	streams: number,
): Promise<RawStreams> {
	const url = endpoint(running, name);
	const client = new McpClient(url);
	const sessions = await client.openSessions(streams);
	const opened = await RawStreams.open(url, sessions);
	const params = { uri: changingUri };
	for (const session of sessions.slice(0, SUBSCRIBERS)) {
		await client.send(sessionMessage(session, { id: 5, method: 'resources/subscribe', params }));
	}
	return opened;
}

/** Takes medians over the rounds. Ratios are of each round. */
function figuresOf(deliveries: Deliveries, streams: number): Figures {
	const figures: Figures = {};
	for (const name of [...sideBySideNames, ...aloneNames]) {
		const own = deliveries[name];
		if (!own) continue;
		const of = (audience: Audience, expected: number): FanOutFigures => {
			const rounds = own[audience];
			const lost = rounds.reduce((sum, { missing }) => sum + missing, 0);
			const ratio = (other: FanOutContender): number | undefined => {
				const others = deliveries[other]?.[audience];
				if (!others || lost > 0 || aloneNames.includes(name)) return undefined;
				return rounded(median(rounds.map(({ ms }, round) => ms / (others[round]?.ms ?? NaN))), 3);
			};
			const toMemory = ratio('memory-http');
			const toUpstream = ratio('upstream-kept-alive');
			return {
				medianMs: rounded(median(rounds.map(({ ms }) => ms)), 3),
				...(toMemory !== undefined && { toMemory }),
				...(toUpstream !== undefined && { toUpstream }),
				lost: rounded(lost / (rounds.length * expected), 3),
			};
		};
		figures[name] = { all: of('all', streams), some: of('some', Math.min(SUBSCRIBERS, streams)) };
	}
	return figures;
}

/** Returns how many connections a workerd started here can serve: it opens two files for each. */
function maxConnections(): number {
	const [, files] = /^Max open files\s+(\d+)/m.exec(readLimits()) ?? [];
	return files === undefined
		? Infinity
		: Math.max(0, Math.floor((Number(files) - OTHER_FILES) / 2));
}

function readLimits(): string {
	try {
		return readFileSync('/proc/self/limits', 'utf8');
	} catch {
		return ''; // Only Linux has /proc.
	}
}

function isLossy(name: string): boolean {
	return lossy.some((each) => each === name);
}

function formatRatio(ratio: number | undefined): string {
	return ratio === undefined ? '' : ratio.toFixed(2);
}

function formatLoss({ all, some }: Record<Audience, FanOutFigures>): string {
	const share = Math.max(all.lost, some.lost);
	return share === 0 ? 'none' : `${(share * 100).toFixed(0)} %`;
}
