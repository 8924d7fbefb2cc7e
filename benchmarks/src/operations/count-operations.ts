import { setTimeout as delay } from 'node:timers/promises';
import type { McpClient } from '../mcp-client.ts';
import {
	changingUri,
	endSession,
	initialize,
	sessionMessage,
	sessionToolCall,
	statelessToolCall,
	sumAnswer,
} from '../mcp-requests.ts';
import { contendersIn, keepsSessions } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import type { RunningContenders } from '../start-contenders.ts';
import { withContender } from './counted-contender.ts';
import type { CountedContender } from './counted-contender.ts';
import { countIdleDay, countLook, IDLE_DAY, LOOK } from './idle-streams.ts';
import type { OperationCounts } from './operation-counts.ts';

/** What each kind of request costs one contender. */
type CountsByKind = Record<string, OperationCounts>;
/** What each kind of request costs each contender. */
export type Operations = Record<CountedContender, CountsByKind>;

/** Those of whose sessions `http` looks after one that listens for long. A sealed one costs nothing then. */
const watched: readonly CountedContender[] = [
	'ours-http',
	'ours-object',
	'ours-mixed',
	'ours-cached',
	'ours-upstash',
];

/** How many sessions the last kind of request stands beside. */
const OTHER_SESSIONS = 50;

/** Those whose whole server is in the session's object. */
const inOwnObject: readonly Contender[] = ['session-object', 'mcp-agent'];
/** What an object removes at its session's end it removes in an alarm, before this. */
const TEARDOWN_MS: Partial<Record<Contender, number>> = {
	'mcp-agent': 3_000,
	'session-object': 32_000,
};
/** Contenders counted at the same time: mostly they wait for quiet. */
const LANES = 3;
/** How many objects sessions are spread over where nobody says otherwise. */
const SHARDS = 16;

/** Counts what every kind of request costs every contender, each over storage of its own. */
export async function countOperations(): Promise<Operations> {
	const counted = new Map<CountedContender, CountsByKind>();
	// Whoever waits for an alarm begins.
	const first = (name: CountedContender): number => (name === 'session-object' ? 0 : 1);
	const queue = contendersIn('operations')
		.toSorted((a, b) => first(a) - first(b))
		.values();
	const lanes = Array.from({ length: LANES }, async () => {
		for (const name of queue) counted.set(name, await countContender(name));
	});
	await Promise.all(lanes);
	// Sound: one entry for each contender, in their order.
	return Object.fromEntries(
		contendersIn('operations').map((name) => [name, counted.get(name)]),
	) as unknown as Operations;
}

async function countContender(name: CountedContender): Promise<CountsByKind> {
	const kind = watched.includes(name) ? LOOK : name === 'session-object' ? IDLE_DAY : undefined;
	if (kind === undefined) return countRequests(name);
	// Beside the rest: it waits.
	const idle = kind === LOOK ? countLook(name) : countIdleDay();
	const [counts, ofIdle] = await Promise.all([countRequests(name), idle]);
	return { ...counts, [kind]: ofIdle };
}

function countRequests(name: CountedContender): Promise<CountsByKind> {
	// Those whose server is in their object are looked at until it has woken up again.
	const options = { keepObjects: !inOwnObject.includes(name) };
	return withContender(name, options, async ({ client, running, takeCounts }) => {
		if (inOwnObject.includes(name) || !keepsSessions(name)) {
			return countPeer(name, client, takeCounts);
		}
		await warmUp(name, client, running);
		return countKinds(name, client, takeCounts);
	});
}

/** Collects the counts of each kind. */
function counter(takeCounts: () => Promise<OperationCounts>): {
	counts: CountsByKind;
	/** Counts what `request` does, and nothing that was done before. */
	count: <Result>(kind: string, request: () => Promise<Result>) => Promise<Result>;
} {
	const counts: CountsByKind = {};
	return {
		counts,
		async count(kind, request) {
			await takeCounts();
			const result = await request();
			counts[kind] = await takeCounts();
			return result;
		},
	};
}

/** The first request makes the transport, and the first session of a shard its tables and its alarm. */
async function warmUp(
	name: CountedContender,
	client: McpClient,
	running: RunningContenders<CountedContender>,
): Promise<void> {
	await client.send(statelessToolCall('add', { a: 1, b: 2 }), '"3"');
	const shards = async (): Promise<number> => {
		const session = await client.open();
		// A sealed session has nothing in any shard before something changes.
		if (name === 'ours-sealed') {
			const level = { method: 'logging/setLevel', params: { level: 'info' } };
			await client.send(sessionMessage(session, { id: 4, ...level }), '"result"');
		}
		return (await running.miniflare.listDurableObjectIds('SessionShard', 'objects')).length;
	};
	let warm = await shards();
	while (warm > 0 && warm < SHARDS) warm = await shards();
	// So does the first stream in the object of the streams, and the first message: it sets an alarm.
	// The stream stays open: what is told to all is told to it. Upstream's object has nothing to set
	// up, and an idle stream of it is ended at a time of its own.
	if (name === 'upstream') return;
	await client.openStream(await client.open());
	await client.send(statelessToolCall('change_list'), 'changed');
}

/** What those have of these kinds of request whose server is in the session's object, or another library's. */
async function countPeer(
	name: CountedContender,
	client: McpClient,
	takeCounts: () => Promise<OperationCounts>,
): Promise<CountsByKind> {
	const { counts, count } = counter(takeCounts);
	if (!keepsSessions(name)) {
		const { headers, ...call } = sessionToolCall('');
		const { 'mcp-session-id': _none, ...others } = headers;
		await count('initialize', () => client.send(initialize(), '"serverInfo"'));
		await count('tools/call, session era', () => client.send({ ...call, headers: others }, '"3"'));
		await count('tools/call, 2026-07-28', () =>
			client.send(statelessToolCall('add', { a: 1, b: 2 }), '"3"'),
		);
		return counts;
	}
	await client.open();
	const session = await count('initialize', () => client.open());
	await count('notifications/initialized', () =>
		client.send(sessionMessage(session, { method: 'notifications/initialized' })),
	);
	await count('tools/list', () =>
		client.send(sessionMessage(session, { id: 4, method: 'tools/list' }), '"result"'),
	);
	await count('tools/call, session era', () => client.send(sessionToolCall(session), '"3"'));
	if (name === 'session-object') await countChanges(client, session, count);
	await count('GET stream opened', () => client.openStream(session));
	await count('DELETE', async () => {
		await client.send(endSession(session));
		await delay(TEARDOWN_MS[name]);
	});
	return counts;
}

/** What a session changes of itself. */
async function countChanges(
	client: McpClient,
	session: string,
	count: ReturnType<typeof counter>['count'],
): Promise<void> {
	const call = (method: string, params: object): Promise<unknown> =>
		client.send(sessionMessage(session, { id: 4, method, params }), '"result"');
	await count('logging/setLevel', () => call('logging/setLevel', { level: 'info' }));
	await count('resources/subscribe', () => call('resources/subscribe', { uri: changingUri }));
	await count('resources/unsubscribe', () => call('resources/unsubscribe', { uri: changingUri }));
}

async function countKinds(
	name: CountedContender,
	client: McpClient,
	takeCounts: () => Promise<OperationCounts>,
): Promise<CountsByKind> {
	const { counts, count } = counter(takeCounts);
	const call = (session: string, method: string, params: object = {}): Promise<unknown> =>
		client.send(sessionMessage(session, { id: 4, method, params }), '"result"');
	const subscribe = (session: string, uri = changingUri): Promise<unknown> =>
		call(session, 'resources/subscribe', { uri });

	const session = await count('initialize', () => client.open());
	await count('notifications/initialized', () =>
		client.send(sessionMessage(session, { method: 'notifications/initialized' })),
	);
	await count('tools/list', () => call(session, 'tools/list'));
	await count('tools/call, session era', () => client.send(sessionToolCall(session), sumAnswer));
	await count('tools/call, 2026-07-28', () =>
		client.send(statelessToolCall('add', { a: 1, b: 2 }), '"3"'),
	);
	await count('logging/setLevel', () => call(session, 'logging/setLevel', { level: 'info' }));
	const heard = await count('GET stream opened', () => client.listen(session));
	await count('resources/subscribe', () => subscribe(session));
	// Told by calls that themselves touch nothing.
	await count('a resource update told to 1 subscriber', async () => {
		await client.send(statelessToolCall('update_resource'), 'updated');
		await heard('notifications/resources/updated');
	});
	await count('a list change told to all', async () => {
		await client.send(statelessToolCall('change_list'), 'changed');
		await heard('notifications/tools/list_changed');
	});
	await count('resources/unsubscribe', () =>
		call(session, 'resources/unsubscribe', { uri: changingUri }),
	);

	const openSubscriber = async (): Promise<string> => {
		const subscriber = await client.open();
		await subscribe(subscriber);
		await subscribe(subscriber, 'test://another');
		await takeCounts();
		return subscriber;
	};
	const alone = await client.open();
	await count('DELETE', () => client.send(endSession(alone)));
	const first = await openSubscriber();
	await count('DELETE with 2 subscriptions', () => client.send(endSession(first)));
	const many: string[] = [];
	while (many.length <= OTHER_SESSIONS) many.push(await client.open());
	for (const each of many) await subscribe(each);
	// SQLite reads a row more where an index goes on behind the last match: by this id it always does.
	const second = many.toSorted()[0] ?? '';
	await subscribe(second, 'test://another');
	await count(`DELETE with 2 subscriptions beside ${OTHER_SESSIONS} other subscribers`, () =>
		client.send(endSession(second)),
	);
	// Its idle streams are ended as hung, each with a call of its own and at a time of its own.
	if (name === 'upstream') return counts;
	for (const each of many.filter((id) => id !== second)) await client.openStream(each);
	await count(`a list change told to all beside ${OTHER_SESSIONS} other streams`, () =>
		client.send(statelessToolCall('change_list'), 'changed'),
	);
	return counts;
}
