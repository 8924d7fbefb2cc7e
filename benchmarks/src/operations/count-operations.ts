import { setTimeout as delay } from 'node:timers/promises';
import type { McpClient } from '../client/mcp.ts';
import {
	changingUri,
	endSession,
	initialize,
	sessionMessage,
	statelessToolCall,
	SUM,
	sumResponse,
	toolCall,
} from '../client/mcp.ts';
import { contenders, contendersIn, hasSessions } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { bundleContenders } from '../runtime.ts';
import { countingPlugin, startCounted } from './counted-contender.ts';
import type { CountedContender, CountedRun } from './counted-contender.ts';
import { addCounts } from './counts.ts';
import type { OperationCounts } from './counts.ts';

/** The operations of each kind of request. */
type CountsByKind = Record<string, OperationCounts>;
/** The operations of each kind of request, by contender. */
export type Operations = Record<CountedContender, CountsByKind>;

/** The kind of a tool call within a session. */
export const SESSION_CALL = 'tools/call, session-based';
/** The kind of what a `session-object` does on its own in a day. */
export const IDLE_DAY = 'one day of an idle stream';
/** The kind of what `http` does for a session whose client only listens. */
export const KEEP_ALIVE = "keep-alive of an idle stream's session";

/** Counts what one request of a kind does, and nothing from before. */
type Count = <Result>(kind: string, request: () => Promise<Result>) => Promise<Result>;

/** Contenders whose idle sessions `http` keeps alive at a cost: a sealed session costs nothing. */
const keptAlive: readonly CountedContender[] = [
	'ours-http',
	'ours-object',
	'ours-mixed',
	'ours-cached',
	'ours-upstash',
];
/** Contenders whose whole server is in the session's object, and the time until its alarm has emptied it. */
const teardownMs: Partial<Record<Contender, number>> = {
	'mcp-agent': 3_000,
	'session-object': 32_000,
};
/** The number of other sessions beside which the last kinds are counted. */
const OTHER_SESSIONS = 50;
/** Contenders that are counted at the same time: most of the time they wait for quiet. */
const LANES = 3;
/** The default number of shards. */
const SHARDS = 16;
/** The lifetime of an idle session object, which stands for a day. */
const OBJECT_IDLE_SECONDS = 4;
/**
 * The lifetime of an idle session of `http`, which stands for 24 hours. A second keep-alive must not follow
 * while the operations of the first one are counted, on a busy machine either.
 */
const IDLE_SECONDS = 20;
/** The time that operations take to end after the first one was counted. */
const SETTLING_MS = 1_000;

/** Counts the operations of every kind of request of every contender, each over its own storage. */
export async function countOperations(): Promise<Operations> {
	const names = contendersIn('operations');
	await bundleContenders(names, [countingPlugin]);
	const counted = new Map<CountedContender, CountsByKind>();
	// These wait most of the time, and the contender with the longest wait goes first.
	const idle = new Map(
		[...keptAlive, 'session-object' as const].map((name) => [name, countIdle(name)]),
	);
	const queue = names.toSorted((a, b) => (teardownMs[b] ?? 0) - (teardownMs[a] ?? 0)).values();
	const lanes = Array.from({ length: LANES }, async () => {
		for (const name of queue) {
			counted.set(name, { ...(await countRequests(name)), ...(await idle.get(name)) });
		}
	});
	await Promise.all(lanes);
	// Safe because there is one entry for each contender.
	return Object.fromEntries(
		names.map((name) => [name, counted.get(name)]),
	) as unknown as Operations;
}

/** Counts what the server does on its own while a session has an idle stream, with a short lifetime. */
async function countIdle(name: CountedContender): Promise<CountsByKind> {
	const isObject = name === 'session-object';
	const vars = { IDLE_SECONDS: String(isObject ? OBJECT_IDLE_SECONDS : IDLE_SECONDS) };
	await using run = await startCounted(name, { vars, keepObjects: !isObject });
	const countUntil = async (has: (counts: OperationCounts) => boolean) => {
		let counts: OperationCounts = {};
		while (!has(counts)) {
			await delay(SETTLING_MS);
			counts = addCounts(counts, await run.takeCounts());
		}
		await delay(SETTLING_MS);
		return addCounts(counts, await run.takeCounts());
	};
	await run.client.openStream(await run.client.open());
	if (!isObject) {
		await delay(SETTLING_MS);
		await run.takeCounts();
		return { [KEEP_ALIVE]: await countUntil((counts) => Object.keys(counts).length > 0) };
	}
	const hasAlarm = ({ objectAlarms = 0 }: OperationCounts): boolean => objectAlarms > 0;
	// The first alarm still belongs to the opening. Over a day the object hibernates.
	await countUntil(hasAlarm);
	await run.running.evict();
	await run.takeCounts();
	return { [IDLE_DAY]: await countUntil(hasAlarm) };
}

async function countRequests(name: CountedContender): Promise<CountsByKind> {
	// An object with the whole server may hibernate between requests, so waking up is counted too.
	const isObject = teardownMs[name] !== undefined;
	await using run = await startCounted(name, { keepObjects: !isObject });
	const { client, takeCounts } = run;
	const counts: CountsByKind = {};
	const count: Count = async (kind, request) => {
		await takeCounts();
		const result = await request();
		counts[kind] = await takeCounts();
		return result;
	};
	if (!hasSessions(name)) {
		await count('initialize', () => client.send(initialize(), '"serverInfo"'));
		await count(SESSION_CALL, () => client.send(toolCall(undefined), SUM));
		await countStatelessCall(client, count);
	} else if (isObject) await countSessionObject(name, client, count);
	else {
		await warmUp(name, run);
		await countSession(client, count);
		await countEnds(name, client, count);
	}
	return counts;
}

/**
 * Creates what later requests find: the transport, the tables and the alarm of every shard, and those of
 * the object with the streams. Its stream stays open, so messages to all sessions go there too.
 */
async function warmUp(name: CountedContender, { client, running }: CountedRun): Promise<void> {
	await client.send(statelessToolCall(), SUM);
	const { objects } = contenders[name];
	const countShards = async (): Promise<number> =>
		objects.includes('SessionShard')
			? (await running.miniflare.listDurableObjectIds('SessionShard', 'objects')).length
			: SHARDS;
	do {
		const session = await client.open();
		// A sealed session has no row in its shard before its first change.
		if (name === 'ours-sealed') await setLogLevel(client, session);
	} while ((await countShards()) < SHARDS);
	// Upstream's object has nothing to set up, and it ends an idle stream at its own time.
	if (name === 'upstream') return;
	await client.openStream(await client.open());
	await client.send(statelessToolCall('change_list'), 'changed');
}

async function countSessionObject(
	name: CountedContender,
	client: McpClient,
	count: Count,
): Promise<void> {
	await client.open();
	const session = await countOpening(client, count);
	await count(SESSION_CALL, () => client.send(toolCall(session), SUM));
	if (name === 'session-object') {
		await count('logging/setLevel', () => setLogLevel(client, session));
		await count('resources/subscribe', () => client.subscribe(session));
		await count('resources/unsubscribe', () => unsubscribe(client, session));
	}
	await count('GET stream', () => client.openStream(session));
	await count('DELETE', async () => {
		await client.send(endSession(session));
		await delay(teardownMs[name]);
	});
}

/** Counts the first requests of a session and returns its id. */
async function countOpening(client: McpClient, count: Count): Promise<string> {
	const session = await count('initialize', () => client.open());
	await count('notifications/initialized', () =>
		client.send(sessionMessage(session, { method: 'notifications/initialized' })),
	);
	await count('tools/list', () => client.request(session, 'tools/list'));
	return session;
}

/** Counts the requests of a session that stays open. */
async function countSession(client: McpClient, count: Count): Promise<void> {
	const session = await countOpening(client, count);
	await count(SESSION_CALL, () => client.send(toolCall(session), sumResponse));
	await countStatelessCall(client, count);
	await count('logging/setLevel', () => setLogLevel(client, session));
	const stream = await count('GET stream', async () => {
		const opened = await client.openStream(session);
		await opened.waitFor(': connected');
		return opened;
	});
	await count('resources/subscribe', () => client.subscribe(session));
	// Stateless calls cause the notifications, since they cost nothing themselves.
	await count('resource update, 1 subscriber', async () => {
		await client.send(statelessToolCall('update_resource'), 'updated');
		await stream.waitFor('notifications/resources/updated');
	});
	await count('list change, all sessions', async () => {
		await client.send(statelessToolCall('change_list'), 'changed');
		await stream.waitFor('notifications/tools/list_changed');
	});
	await count('resources/unsubscribe', () => unsubscribe(client, session));
}

/** Counts ends of sessions, alone and beside other sessions. */
async function countEnds(name: CountedContender, client: McpClient, count: Count): Promise<void> {
	const alone = await client.open();
	await count('DELETE', () => client.send(endSession(alone)));
	const subscriber = await client.open();
	await client.subscribe(subscriber);
	await client.subscribe(subscriber, 'test://another');
	await count('DELETE with 2 subscriptions', () => client.send(endSession(subscriber)));
	const others = await client.openSessions(OTHER_SESSIONS + 1);
	for (const each of others) await client.subscribe(each);
	// SQLite reads one more row if its index continues behind the match: with the lowest id it always does.
	const [lowest = '', ...rest] = others.toSorted();
	await client.subscribe(lowest, 'test://another');
	await count(`DELETE with 2 subscriptions beside ${OTHER_SESSIONS} other subscribers`, () =>
		client.send(endSession(lowest)),
	);
	// Upstream ends idle streams with one RPC each, at its own times, which would be counted too.
	if (name === 'upstream') return;
	for (const each of rest) await client.openStream(each);
	await count(`list change, all sessions, beside ${OTHER_SESSIONS} other streams`, () =>
		client.send(statelessToolCall('change_list'), 'changed'),
	);
}

function countStatelessCall(client: McpClient, count: Count): Promise<Response> {
	return count('tools/call, 2026-07-28', () => client.send(statelessToolCall(), SUM));
}

function setLogLevel(client: McpClient, session: string): Promise<Response> {
	return client.request(session, 'logging/setLevel', { level: 'info' });
}

function unsubscribe(client: McpClient, session: string): Promise<Response> {
	return client.request(session, 'resources/unsubscribe', { uri: changingUri });
}
