import { readFileSync } from 'node:fs';
import { McpClient, statelessToolCall } from '../client/mcp.ts';
import { RawStreams } from '../client/raw-streams.ts';
import type { Delivery } from '../client/raw-streams.ts';
import { contendersIn, titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { table } from '../reports/markdown.ts';
import { endpoint, startContenders } from '../runtime.ts';
import { entriesOf, mapValues, measurement, median, rounded, takeTurns } from './measurement.ts';
import type { Effort, Progress, Rounds } from './measurement.ts';

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
	},
	quick: { streams: 12, sideBySide: once, alone: once, largeStreams: 16, large: once },
} satisfies Record<Effort, object>;

/** Measures how long a message takes to all of many streams, and to ten of them. */
export const fanOut = measurement({
	async measure(effort, onProgress) {
		const { streams, largeStreams, ...rounds } = efforts[effort];
		/** The limit of one isolate, ours, and upstream. Each has its own object. */
		const names = contendersIn('fan-out');
		const sideBySide: Partial<Record<Contender, Figures>> = {};
		Object.assign(sideBySide, await publish(names, streams, rounds.sideBySide, onProgress));
		// They share an object with one of those, or only show how much arrives.
		for (const name of contendersIn('fan-out-alone')) {
			Object.assign(sideBySide, await publish([name], streams, rounds.alone, onProgress));
		}
		const large: typeof sideBySide = {};
		for (const group of effort === 'full' ? names.map((name) => [name]) : [names]) {
			Object.assign(large, await publish(group, largeStreams, rounds.large, onProgress));
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
		return table(
			`ms until the last receiver has it | all of ${few} | ${SUBSCRIBERS} of ${few} | lost | all of ${many} | ${SUBSCRIBERS} of ${many} | lost`,
			entriesOf(sideBySide).map(([name, figures]) => [
				...[titleOf(name), ...cells(figures), ...cells(large[name])],
			]),
		);
	},

	aims: ({ sideBySide }) =>
		entriesOf(sideBySide)
			.filter(([name]) => !lossy.includes(name))
			.map(([name, { all, some }]) => ({
				subject: `messages that ${titleOf(name)} delivers`,
				least: 1,
				found: 1 - Math.max(all.lost, some.lost),
				isExact: true,
			})),
});

/** To all sessions, and to the subscribers of a resource. */
type Figures = Record<'all' | 'some', ReturnType<typeof figuresOf>>;

/** Opens all streams of the contenders, and publishes to each in turn. */
async function publish<Name extends Contender>(
	names: readonly Name[],
	streams: number,
	rounds: Rounds,
	onProgress: Progress,
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
	return mapValues(deliveries, (own) => ({
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
