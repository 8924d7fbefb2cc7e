import { readFileSync } from 'node:fs';
import { Load } from '../client/load.ts';
import { McpClient, statelessToolCall, SUM, toolCall } from '../client/mcp.ts';
import { RawStreams } from '../client/raw-streams.ts';
import type { Delivery } from '../client/raw-streams.ts';
import { contendersIn, titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { table } from '../reports/markdown.ts';
import { endpoint, startContenders } from '../runtime.ts';
import {
	aimsTable,
	entriesOf,
	mapValues,
	measurement,
	median,
	rounded,
	takeTurns,
} from './measurement.ts';
import type { Aim, Effort, Progress, Rounds } from './measurement.ts';

/** Contenders whose publications workerd cancels when their request ends. */
const lossy: readonly Contender[] = ['memory-bare', 'upstream'];
/** The number of subscribers of the resource. */
const SUBSCRIBERS = 10;
const ARRIVAL_MS = 180_000;
/** Lost messages do not arrive later. */
const LOSS_MS = 500;
const LOSS_MS_PER_STREAM = 1;
/** Files that workerd has open besides connections, estimated generously. */
const OTHER_FILES = 600;

/** Numbers of streams, each of a separate session; with the larger one, contenders run one after another. */
const once = { least: 1, most: 1 };
const efforts = {
	full: {
		streams: 1_000,
		sideBySide: { least: 9, most: 9, warmUps: 1 },
		alone: { least: 3, most: 3, warmUps: 1 },
		largeStreams: Math.min(10_000, maxConnections()),
		large: { ...once, warmUps: 1 },
		delays: { rounds: { least: 7, most: 7, warmUps: 1 }, windowMs: 3_000, gapMs: 2 },
	},
	quick: {
		streams: 12,
		sideBySide: once,
		alone: once,
		largeStreams: 16,
		large: once,
		delays: { rounds: once, windowMs: 100, gapMs: 2 },
	},
} satisfies Record<Effort, object>;

/** Measures how long a message takes to all of many streams, and to ten of them. */
export const fanOut = measurement({
	async measure(effort, onProgress) {
		const { streams, largeStreams, delays, ...rounds } = efforts[effort];
		/** One isolate without an object, ours, and upstream, each with its own object. */
		const names = contendersIn('fan-out');
		const sideBySide: ByContender = {};
		Object.assign(sideBySide, await publish(names, streams, rounds.sideBySide, onProgress));
		// They share an object with one of those, or only show how much arrives.
		for (const name of contendersIn('fan-out-alone')) {
			Object.assign(sideBySide, await publish([name], streams, rounds.alone, onProgress));
		}
		const large: ByContender = {};
		for (const group of effort === 'full' ? names.map((name) => [name]) : [names]) {
			Object.assign(large, await publish(group, largeStreams, rounds.large, onProgress, delays));
		}
		return { streams, sideBySide, largeStreams, large };
	},

	format({ streams, sideBySide, largeStreams, large }) {
		const [few, many] = [streams.toLocaleString('en'), largeStreams.toLocaleString('en')];
		const cells = (figures: Figures | undefined): string[] => {
			if (!figures) return ['', '', ''];
			const lost = Math.max(figures.all.lost, figures.some.lost);
			const ms = [figures.all, figures.some].map(({ medianMs }) => medianMs.toFixed(0));
			return lost === 0 ? [...ms, 'none'] : ['', '', `${(lost * 100).toFixed(0)} %`];
		};
		const delivered = table(
			`ms until the last receiver has it | all of ${few} | ${SUBSCRIBERS} of ${few} | lost | all of ${many} | ${SUBSCRIBERS} of ${many} | lost`,
			entriesOf(sideBySide).map(([name, figures]) => [
				titleOf(name),
				...cells(figures),
				...cells(large[name]),
			]),
		);
		const delayed = entriesOf(large).flatMap(([name, { delay }]) =>
			delay ? [[name, delay] as const] : [],
		);
		const delays = table(
			`ms of a call at the 99th percentile | beside ${many} idle streams | beside a broadcast to them | delay`,
			delayed.map(([name, { aloneMs, besideMs, delayMs }]) => [
				titleOf(name),
				...[aloneMs, besideMs, delayMs].map((ms) => ms.toFixed(1)),
			]),
		);
		const aims = aimsTable('a broadcast', speedAims({ streams, sideBySide, largeStreams, large }));
		return [delivered, ...(delayed.length > 0 ? [delays] : []), aims].join('\n\n');
	},

	aims: (result) => [
		...entriesOf(result.sideBySide)
			.filter(([name]) => !lossy.includes(name))
			.map(([name, { all, some }]) => ({
				subject: `messages that ${titleOf(name)} delivers`,
				least: 1,
				found: 1 - Math.max(all.lost, some.lost),
				isExact: true,
			})),
		...speedAims(result),
	],
});

type ByContender = Partial<Record<Contender, Figures>>;

/** The aims of a broadcast through our handler. */
function speedAims(result: {
	readonly streams: number;
	readonly sideBySide: ByContender;
	readonly largeStreams: number;
	readonly large: ByContender;
}): Aim[] {
	const toUpstream = (count: number, figures: ByContender): Aim => ({
		subject: `${titleOf('ours-http')}, time to ${count.toLocaleString('en')} streams, to upstream`,
		most: 0.9,
		found:
			(figures['ours-http']?.all.medianMs ?? NaN) /
			(figures['upstream-kept-alive']?.all.medianMs ?? NaN),
	});
	return [
		toUpstream(result.streams, result.sideBySide),
		toUpstream(result.largeStreams, result.large),
		{
			subject: `${titleOf('ours-http')}, ms by which it delays a call at the 99th percentile`,
			most: 5,
			found: result.large['ours-http']?.delay?.delayMs,
		},
	];
}

/** To all sessions, and to the subscribers of a resource. */
type Figures = Record<'all' | 'some', ReturnType<typeof figuresOf>> & {
	readonly delay?: Delay | undefined;
};

/** The 99th percentile of calls without and with a broadcast to all meanwhile, and how much it grows. */
type Delay = Readonly<Record<'aloneMs' | 'besideMs' | 'delayMs', number>>;

/** Windows in which calls are timed. */
interface DelayEffort {
	readonly rounds: Rounds;
	readonly windowMs: number;
	readonly gapMs: number;
}

/** Opens all streams of the contenders, and publishes to each in turn. */
async function publish<Name extends Contender>(
	names: readonly Name[],
	streams: number,
	rounds: Rounds,
	onProgress: Progress,
	delays?: DelayEffort,
): Promise<Record<Name, Figures>> {
	// Upstream logs every message that it drops.
	await using stack = new AsyncDisposableStack();
	const running = stack.use(await startContenders(names, { onLog: () => {} }));
	const opened = new Map<Name, RawStreams>();
	const some = Math.min(SUBSCRIBERS, streams);
	for (const name of names) {
		onProgress(`opening ${streams} streams of ${name}`);
		const client = new McpClient(endpoint(running, name));
		const sessions = await client.openSessions(streams);
		const streamsOf = await RawStreams.open(endpoint(running, name), sessions);
		opened.set(name, stack.use(streamsOf));
		for (const session of sessions.slice(0, some)) await client.subscribe(session);
	}
	const deliver = async (name: Name, tool: string, expected: number): Promise<Delivery> => {
		const client = new McpClient(endpoint(running, name));
		const call = () => client.send(statelessToolCall(tool, {}), '"result"');
		const lossMs = LOSS_MS + streams * LOSS_MS_PER_STREAM;
		const timeoutMs = lossy.includes(name) ? lossMs : ARRIVAL_MS;
		const delivery = await opened.get(name)?.delivery(expected, call, timeoutMs);
		return delivery ?? { ms: NaN, missing: expected };
	};
	const deliveries = await takeTurns(
		names,
		rounds,
		async (name) => ({
			all: await deliver(name, 'change_list', streams),
			some: await deliver(name, 'update_resource', some),
		}),
		onProgress,
	);
	const delayOf = new Map<Name, Delay>();
	if (delays) {
		for (const name of names) {
			onProgress(`calls of ${name} beside a broadcast`);
			const broadcast = () => deliver(name, 'change_list', streams);
			delayOf.set(name, await measureDelay(endpoint(running, name), broadcast, delays));
		}
	}
	return mapValues(deliveries, (own, name) => ({
		delay: delayOf.get(name),
		all: figuresOf(
			own.map(({ all }) => all),
			streams,
		),
		some: figuresOf(
			own.map((each) => each.some),
			some,
		),
	}));
}

/** Times calls of a session of the same isolate, alone and beside a broadcast, in turns. */
async function measureDelay(
	url: string,
	broadcast: () => Promise<unknown>,
	{ rounds, ...window }: DelayEffort,
): Promise<Delay> {
	await using load = new Load();
	const session = await new McpClient(url).open();
	const job = { url, step: { request: toolCall(session), expected: SUM }, ...window };
	const times = await takeTurns(
		['alone', 'beside'],
		rounds,
		async (turn) => {
			const timing = load.latenciesMs(job);
			if (turn === 'beside') await broadcast();
			return percentile99(await timing);
		},
		() => {},
	);
	return {
		aloneMs: rounded(median(times.alone), 2),
		besideMs: rounded(median(times.beside), 2),
		delayMs: rounded(median(times.beside.map((ms, round) => ms - (times.alone[round] ?? NaN))), 2),
	};
}

function percentile99(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? NaN;
}

/** Returns the median time until the last receiver has the message, and the share that never arrived. */
function figuresOf(deliveries: readonly Delivery[], expected: number) {
	const missing = deliveries.reduce((sum, delivery) => sum + delivery.missing, 0);
	return {
		medianMs: rounded(median(deliveries.map(({ ms }) => ms)), 3),
		lost: rounded(missing / (deliveries.length * expected), 3),
	};
}

/** Returns how many connections a workerd started here can serve: it opens two files for each. */
function maxConnections(): number {
	try {
		const limits = readFileSync('/proc/self/limits', 'utf8');
		const [, files] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
		return Math.max(0, Math.floor((Number(files) - OTHER_FILES) / 2));
	} catch {
		return Infinity; // Only Linux has /proc.
	}
}
