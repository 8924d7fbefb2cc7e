import { McpClient } from '../mcp-client.ts';
import { openSessions } from '../open-sessions.ts';
import { changingUri, sessionMessage, statelessToolCall } from '../mcp-requests.ts';
import { endpoint, startContenders } from '../start-contenders.ts';
import type { Contender, RunningContenders } from '../start-contenders.ts';
import { RawStreams } from './raw-streams.ts';
import type { Delivery } from './raw-streams.ts';

/** How much to measure. */
export interface FanOutEffort {
	/** Open streams of each contender, each of a session of its own. */
	readonly streams: number;
	/** Messages to all and to some, of each contender. */
	readonly rounds: number;
	/** The same with more streams, for which contenders come one after another. */
	readonly large: { readonly streams: number; readonly rounds: number };
}

/** What came of it, side by side and one after another. */
export interface FanOut {
	readonly sideBySide: Record<FanOutContender, Deliveries>;
	readonly large: Partial<Record<FanOutContender, Deliveries>>;
}

/** Whose speed is measured: the limit of one isolate, ours, and upstream. Each has an object of its own. */
export const fanOutContenders = [
	'memory-http',
	'ours-http',
	'upstream-kept-alive',
] as const satisfies Contender[];

/** One of them, or the one that is only asked how much of it arrives. */
export type FanOutContender = (typeof fanOutContenders)[number] | 'upstream';

/** To how many streams a message is published: to all, or to the subscribers of a resource. */
export type Audience = 'all' | 'some';

/** What came of each round. */
export type Deliveries = Record<Audience, readonly Delivery[]>;

/** How many streams a message to some is for. */
export const SUBSCRIBERS = 10;

const ARRIVES_WITHIN_MS = 180_000;
/** As published upstream loses what it sends: waiting longer brings nothing. */
const LOST_WITHIN_MS = 1_500;

/** Opens all streams of all contenders, and publishes in turns; upstream as published comes alone. */
export async function measureFanOut(
	{ streams, rounds, large }: FanOutEffort,
	onProgress: (line: string) => void,
): Promise<FanOut> {
	const many: FanOut['large'] = {};
	const inTurns = (
		names: readonly FanOutContender[],
		amount: { streams: number; rounds: number },
		withinMs = ARRIVES_WITHIN_MS,
	): ReturnType<typeof publishInTurns> => publishInTurns(names, amount, withinMs, onProgress);
	const together = await inTurns(fanOutContenders, { streams, rounds });
	const alone = await inTurns(['upstream'], { streams, rounds }, LOST_WITHIN_MS);
	for (const name of fanOutContenders) Object.assign(many, await inTurns([name], large));
	// Sound: one entry for each contender.
	return { sideBySide: { ...together, ...alone } as FanOut['sideBySide'], large: many };
}

async function publishInTurns(
	names: readonly FanOutContender[],
	{ streams, rounds }: { streams: number; rounds: number },
	withinMs: number,
	onProgress: (line: string) => void,
): Promise<Partial<Record<FanOutContender, Deliveries>>> {
	// Upstream logs each message that is dropped.
	const running = await startContenders(names, { onLog: () => {} });
	const opened = new Map<FanOutContender, RawStreams>();
	const publish = async (
		name: FanOutContender,
		tool: string,
		expected: number,
	): Promise<Delivery> => {
		const call = statelessToolCall(tool);
		const send = (): Promise<unknown> =>
			new McpClient(endpoint(running, name)).send(call, '"result"');
		const delivery = await opened.get(name)?.delivery(expected, send, withinMs);
		return delivery ?? { ms: NaN, missing: expected };
	};
	try {
		for (const name of names) {
			onProgress(`opening ${streams} streams of ${name}`);
			opened.set(name, await openStreams(running, name, streams));
		}
		const deliveries: Partial<Record<FanOutContender, Record<Audience, Delivery[]>>> = {};
		// The first round warms up.
		for (let round = 0; round <= rounds; round += 1) {
			onProgress(`round ${round} of ${rounds}`);
			for (const name of names) {
				const all = await publish(name, 'change_list', streams);
				const some = await publish(name, 'update_resource', Math.min(SUBSCRIBERS, streams));
				if (round === 0) continue;
				const own = (deliveries[name] ??= { all: [], some: [] });
				own.all.push(all);
				own.some.push(some);
			}
		}
		return deliveries;
	} finally {
		for (const streamsOfOne of opened.values()) streamsOfOne.close();
		await running.stop();
	}
}

/** Sessions with a stream each, the first ones subscribed to the resource. */
async function openStreams(
	running: RunningContenders<FanOutContender>,
	name: FanOutContender,
	streams: number,
): Promise<RawStreams> {
	const url = endpoint(running, name);
	const sessions = await openSessions(url, streams);
	const opened = await RawStreams.open(url, sessions);
	for (const session of sessions.slice(0, SUBSCRIBERS)) {
		const params = { uri: changingUri };
		const subscribe = sessionMessage(session, { id: 5, method: 'resources/subscribe', params });
		await new McpClient(url).send(subscribe);
	}
	return opened;
}
