import { contendersIn } from '../contenders.ts';
import type { ContenderIn } from '../contenders.ts';
import { McpClient } from '../mcp-client.ts';
import { openSessions } from '../open-sessions.ts';
import { changingUri, sessionMessage, statelessToolCall } from '../mcp-requests.ts';
import { endpoint, startContenders } from '../start-contenders.ts';
import type { RunningContenders } from '../start-contenders.ts';
import { RawStreams } from './raw-streams.ts';
import type { Delivery } from './raw-streams.ts';

/** How much to measure. */
export interface FanOutEffort {
	/** Open streams of each contender, each of a session of its own. */
	readonly streams: number;
	/** Messages to all and to some, of each contender. */
	readonly rounds: number;
	/** The same of those that come alone. */
	readonly roundsAlone: number;
	/** The same with more streams, for which contenders come one after another. */
	readonly large: { readonly streams: number; readonly rounds: number };
}

/** What came of it: side by side or alone with as many streams, and one after another with more. */
export interface FanOut {
	readonly sideBySide: Partial<Record<FanOutContender, Deliveries>>;
	readonly large: Partial<Record<FanOutContender, Deliveries>>;
}

/** Whose speed is compared: the limit of one isolate, ours, and upstream. Each has an object of its own. */
export const besideOthers: readonly ContenderIn<'fan-out'>[] = contendersIn('fan-out');
/** Those that share an object with one of them, and those that are only asked how much arrives. */
export const alone: readonly ContenderIn<'fan-out alone'>[] = contendersIn('fan-out alone');

/** One of all these. */
export type FanOutContender = ContenderIn<'fan-out' | 'fan-out alone'>;

/** Those of which workerd drops what the transport has begun when its request ends. */
export const losing: readonly FanOutContender[] = ['memory-bare', 'upstream'];

/** To how many streams a message is published: to all, or to the subscribers of a resource. */
export type Audience = 'all' | 'some';

/** What came of each round. */
export type Deliveries = Record<Audience, readonly Delivery[]>;

/** How many streams a message to some is for. */
export const SUBSCRIBERS = 10;

const ARRIVES_WITHIN_MS = 180_000;
/** What is lost does not come however long one waits. */
const LOST_WITHIN_MS = 500;
const LOST_MS_EACH = 1;

/** Opens all streams of all contenders, and publishes in turns. */
export async function measureFanOut(
	{ streams, rounds, roundsAlone, large }: FanOutEffort,
	onProgress: (line: string) => void,
): Promise<FanOut> {
	const many: FanOut['large'] = {};
	const inTurns = (
		names: readonly FanOutContender[],
		amount: { streams: number; rounds: number },
	): ReturnType<typeof publishInTurns> => publishInTurns(names, amount, onProgress);
	const sideBySide = await inTurns(besideOthers, { streams, rounds });
	for (const name of alone) {
		Object.assign(sideBySide, await inTurns([name], { streams, rounds: roundsAlone }));
	}
	for (const name of besideOthers) Object.assign(many, await inTurns([name], large));
	return { sideBySide, large: many };
}

async function publishInTurns(
	names: readonly FanOutContender[],
	{ streams, rounds }: { streams: number; rounds: number },
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
		const withinMs = losing.includes(name)
			? LOST_WITHIN_MS + streams * LOST_MS_EACH
			: ARRIVES_WITHIN_MS;
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
