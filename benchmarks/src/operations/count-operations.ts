import { McpClient } from '../mcp-client.ts';
import {
	changingUri,
	endSession,
	sessionMessage,
	sessionToolCall,
	statelessToolCall,
	sumAnswer,
} from '../mcp-requests.ts';
import { backedContenders, endpoint, startContenders } from '../start-contenders.ts';
import { countingPlugin } from './counting-plugin.ts';
import type { OperationCounts } from './operation-counts.ts';

/** A contender whose operations are counted. */
type BackedContender = (typeof backedContenders)[number];
/** What each kind of request costs one contender. */
type CountsByKind = Record<string, OperationCounts>;
/** What each kind of request costs each contender. */
export type Operations = Record<BackedContender, CountsByKind>;

/** How many sessions the last kind of request stands beside. */
const OTHER_SESSIONS = 50;

/** Counts what every kind of request costs every contender, each over storage of its own. */
export async function countOperations(): Promise<Operations> {
	const counted: [BackedContender, CountsByKind][] = [];
	for (const name of backedContenders) counted.push([name, await countContender(name)]);
	// Sound: one entry for each contender.
	return Object.fromEntries(counted) as Operations;
}

async function countContender(name: BackedContender): Promise<CountsByKind> {
	const running = await startContenders([name], { plugins: [countingPlugin] });
	const client = new McpClient(endpoint(running, name));
	/** What was counted since this was last asked, once all work has settled. */
	const takeCounts = async (): Promise<OperationCounts> => {
		const response = await fetch(new URL('/operations', endpoint(running, name)));
		return response.json<OperationCounts>();
	};
	try {
		return await countKinds(client, takeCounts);
	} finally {
		client.close();
		await running.stop();
	}
}

async function countKinds(
	client: McpClient,
	takeCounts: () => Promise<OperationCounts>,
): Promise<CountsByKind> {
	const counts: CountsByKind = {};
	/** Counts what `request` does, and nothing that was done before. */
	async function count<Result>(kind: string, request: () => Promise<Result>): Promise<Result> {
		await takeCounts();
		const result = await request();
		counts[kind] = await takeCounts();
		return result;
	}
	const call = (session: string, method: string, params: object = {}): Promise<unknown> =>
		client.send(sessionMessage(session, { id: 4, method, params }), '"result"');
	const subscribe = (session: string, uri = changingUri): Promise<unknown> =>
		call(session, 'resources/subscribe', { uri });

	// The first request makes the transport.
	await client.send(statelessToolCall('add', { a: 1, b: 2 }), '"3"');
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
	const first = await openSubscriber();
	await count('DELETE with 2 subscriptions', () => client.send(endSession(first)));
	for (let other = 0; other < OTHER_SESSIONS; other += 1) await subscribe(await client.open());
	const second = await openSubscriber();
	await count(`DELETE with 2 subscriptions beside ${OTHER_SESSIONS} other subscribers`, () =>
		client.send(endSession(second)),
	);
	return counts;
}
