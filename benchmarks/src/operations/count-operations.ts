import { setTimeout as delay } from 'node:timers/promises';
import type { McpClient } from '../client/mcp-client.ts';
import {
	changingUri,
	endSession,
	initialize,
	sessionMessage,
	sessionToolCall,
	statelessToolCall,
	sumResponse,
} from '../client/mcp-requests.ts';
import { contenders, contendersIn } from '../contenders.ts';
import type { Contender, ObjectClass } from '../contenders.ts';
import type { RunningContenders } from '../runtime/start-contenders.ts';
import { withContender } from './counted-contender.ts';
import type { CountedContender } from './counted-contender.ts';
import { countIdleDay, countKeepAlive, IDLE_DAY, KEEP_ALIVE } from './idle-sessions.ts';
import type { OperationCounts } from './operation-counts.ts';

/** The operations of each kind of request. */
type CountsByKind = Record<string, OperationCounts>;
/** The operations of each kind of request, by contender. */
export type Operations = Record<CountedContender, CountsByKind>;

/** The kind of a tool call within a session. */
export const SESSION_CALL = 'tools/call, session-based';

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
/** Contenders whose whole server is in the session's object. */
const inSessionObject: readonly Contender[] = ['session-object', 'mcp-agent'];
/** The time until the alarm that empties a session's object has run. */
const TEARDOWN_MS: Partial<Record<Contender, number>> = {
	'mcp-agent': 3_000,
	'session-object': 32_000,
};

/** The number of other sessions beside which the last kinds are counted. */
const OTHER_SESSIONS = 50;
/** Contenders that are counted at the same time: most of the time they wait for quiet. */
const LANES = 3;
/** The default number of shards. */
const SHARDS = 16;

/** Counts the operations of every kind of request of every contender, each over its own storage. */
export async function countOperations(): Promise<Operations> {
	const counted = new Map<CountedContender, CountsByKind>();
	// The contender with the longest wait goes first.
	const rank = (name: CountedContender): number => (name === 'session-object' ? 0 : 1);
	const queue = contendersIn('operations')
		.toSorted((a, b) => rank(a) - rank(b))
		.values();
	const lanes = Array.from({ length: LANES }, async () => {
		for (const name of queue) counted.set(name, await countContender(name));
	});
	await Promise.all(lanes);
	// Safe because there is one entry for each contender.
	return Object.fromEntries(
		contendersIn('operations').map((name) => [name, counted.get(name)]),
	) as unknown as Operations;
}

async function countContender(name: CountedContender): Promise<CountsByKind> {
	if (keptAlive.includes(name)) {
		const [counts, idle] = await Promise.all([countRequests(name), countKeepAlive(name)]);
		return { ...counts, [KEEP_ALIVE]: idle };
	}
	if (name !== 'session-object') return countRequests(name);
	const [counts, idle] = await Promise.all([countRequests(name), countIdleDay()]);
	return { ...counts, [IDLE_DAY]: idle };
}

function countRequests(name: CountedContender): Promise<CountsByKind> {
	// An object with the whole server may hibernate between requests, so waking up is counted too.
	const keepObjects = !inSessionObject.includes(name);
	return withContender(name, { keepObjects }, async ({ client, running, takeCounts }) => {
		const counts: CountsByKind = {};
		const count: Count = async (kind, request) => {
			await takeCounts();
			const result = await request();
			counts[kind] = await takeCounts();
			return result;
		};
		if (!contenders[name].hasSessions) await countWithoutSessions(client, count);
		else if (inSessionObject.includes(name)) await countSessionObject(name, client, count);
		else {
			await warmUp(name, client, running);
			await countSession(client, count);
			await countEnds(name, client, count);
		}
		return counts;
	});
}

/**
 * Creates what later requests find: the transport, the tables and the alarm of every shard, and those of
 * the object with the streams. Its stream stays open, so messages to all sessions go there too.
 */
async function warmUp(
	name: CountedContender,
	client: McpClient,
	running: RunningContenders<CountedContender>,
): Promise<void> {
	await client.send(statelessToolCall('add', { a: 1, b: 2 }), '"3"');
	const objects: readonly ObjectClass[] = contenders[name].objects;
	const openSession = async (): Promise<void> => {
		const session = await client.open();
		// A sealed session has no row in its shard before its first change.
		if (name === 'ours-sealed') await setLogLevel(client, session);
	};
	const countShards = async (): Promise<number> =>
		(await running.miniflare.listDurableObjectIds('SessionShard', 'objects')).length;
	await openSession();
	if (objects.includes('SessionShard')) {
		while ((await countShards()) < SHARDS) await openSession();
	}
	// Upstream's object has nothing to set up, and it ends an idle stream at its own time.
	if (name === 'upstream') return;
	await client.openStream(await client.open());
	await client.send(statelessToolCall('change_list'), 'changed');
}

async function countWithoutSessions(client: McpClient, count: Count): Promise<void> {
	const { headers, ...call } = sessionToolCall('');
	const { 'mcp-session-id': _session, ...others } = headers;
	await count('initialize', () => client.send(initialize(), '"serverInfo"'));
	await count(SESSION_CALL, () => client.send({ ...call, headers: others }, '"3"'));
	await count('tools/call, 2026-07-28', () =>
		client.send(statelessToolCall('add', { a: 1, b: 2 }), '"3"'),
	);
}

async function countSessionObject(
	name: CountedContender,
	client: McpClient,
	count: Count,
): Promise<void> {
	await client.open();
	const session = await countOpening(client, count);
	await count(SESSION_CALL, () => client.send(sessionToolCall(session), '"3"'));
	if (name === 'session-object') {
		await count('logging/setLevel', () => setLogLevel(client, session));
		await count('resources/subscribe', () => subscribe(client, session));
		await count('resources/unsubscribe', () => unsubscribe(client, session));
	}
	await count('GET stream', () => client.openStream(session));
	await count('DELETE', async () => {
		await client.send(endSession(session));
		await delay(TEARDOWN_MS[name]);
	});
}

/** Counts the first requests of a session and returns its id. */
async function countOpening(client: McpClient, count: Count): Promise<string> {
	const session = await count('initialize', () => client.open());
	await count('notifications/initialized', () =>
		client.send(sessionMessage(session, { method: 'notifications/initialized' })),
	);
	await count('tools/list', () => request(client, session, 'tools/list'));
	return session;
}

/** Counts the requests of a session that stays open. */
async function countSession(client: McpClient, count: Count): Promise<void> {
	const session = await countOpening(client, count);
	await count(SESSION_CALL, () => client.send(sessionToolCall(session), sumResponse));
	await count('tools/call, 2026-07-28', () =>
		client.send(statelessToolCall('add', { a: 1, b: 2 }), '"3"'),
	);
	await count('logging/setLevel', () => setLogLevel(client, session));
	const waitFor = await count('GET stream', () => client.listen(session));
	await count('resources/subscribe', () => subscribe(client, session));
	// Stateless calls cause the notifications, since they cost nothing themselves.
	await count('resource update, 1 subscriber', async () => {
		await client.send(statelessToolCall('update_resource'), 'updated');
		await waitFor('notifications/resources/updated');
	});
	await count('list change, all sessions', async () => {
		await client.send(statelessToolCall('change_list'), 'changed');
		await waitFor('notifications/tools/list_changed');
	});
	await count('resources/unsubscribe', () => unsubscribe(client, session));
}

/** Counts ends of sessions, alone and beside other sessions. */
async function countEnds(name: CountedContender, client: McpClient, count: Count): Promise<void> {
	const alone = await client.open();
	await count('DELETE', () => client.send(endSession(alone)));
	const subscriber = await client.open();
	await subscribe(client, subscriber);
	await subscribe(client, subscriber, 'test://another');
	await count('DELETE with 2 subscriptions', () => client.send(endSession(subscriber)));
	const others: string[] = [];
	while (others.length <= OTHER_SESSIONS) others.push(await client.open());
	for (const each of others) await subscribe(client, each);
	// SQLite reads one more row if its index continues behind the match: with the lowest id it always does.
	const lowest = others.toSorted()[0] ?? '';
	await subscribe(client, lowest, 'test://another');
	await count(`DELETE with 2 subscriptions beside ${OTHER_SESSIONS} other subscribers`, () =>
		client.send(endSession(lowest)),
	);
	// Upstream ends idle streams with one RPC each, at its own times, which would be counted too.
	if (name === 'upstream') return;
	for (const each of others.filter((id) => id !== lowest)) await client.openStream(each);
	await count(`list change, all sessions, beside ${OTHER_SESSIONS} other streams`, () =>
		client.send(statelessToolCall('change_list'), 'changed'),
	);
}

function setLogLevel(client: McpClient, session: string): Promise<Response> {
	return request(client, session, 'logging/setLevel', { level: 'info' });
}

function subscribe(client: McpClient, session: string, uri = changingUri): Promise<Response> {
	return request(client, session, 'resources/subscribe', { uri });
}

function unsubscribe(client: McpClient, session: string): Promise<Response> {
	return request(client, session, 'resources/unsubscribe', { uri: changingUri });
}

function request(
	client: McpClient,
	session: string,
	method: string,
	params: object = {},
): Promise<Response> {
	return client.send(sessionMessage(session, { id: 4, method, params }), '"result"');
}
