import { eventIdOf } from '@tmcp-sessions/core/backend';
import { shardOfSession } from '@tmcp-sessions/core/internal';
import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Endpoint } from './endpoint.ts';
import type { IncomingResponse } from './endpoint.ts';

/** Clients of this revision get an event id when a stream opens. */
const LATEST = { 'mcp-protocol-version': '2025-11-25' };
const entry = fileURLToPath(new URL('fixture/shards.ts', import.meta.url));
const isolates = ['a', 'b', 'c'] as const;
type Isolate = (typeof isolates)[number];

const REGIONS = [undefined, 'weur', 'oc'];
const SESSIONS_EACH = 9;
const URI = 'test://a';
const UPDATED = 'notifications/resources/updated';
const TOOLS_CHANGED = 'notifications/tools/list_changed';

/** The client of one session, over several connections. */
class Client {
	readonly session: string;
	/** The last messages confirmed before and after the first stream was opened. */
	readonly openedBetween: readonly [number, number];
	readonly #connections: IncomingResponse[];

	constructor(
		session: string,
		openedBetween: readonly [number, number],
		connection: IncomingResponse,
	) {
		this.session = session;
		this.openedBetween = openedBetween;
		this.#connections = [connection];
	}

	get text(): string {
		return this.#connections.map(({ text }) => completeEvents(text)).join('');
	}

	/** The numbers received over all connections, in order. */
	get numbers(): number[] {
		return [...this.text.matchAll(/"number":(\d+)/g)].map(([, number]) => Number(number));
	}

	get gaps(): number {
		return this.text.split(': gap').length - 1;
	}

	/** Resets the connection and resumes from the last event id. */
	async reconnect(endpoint: Endpoint): Promise<void> {
		const last = this.#connections.at(-1);
		last?.destroy();
		await last?.ended;
		const ids = completeEvents(this.text)
			.split('\n\n')
			.map((frame) => eventIdOf(`${frame}\n`));
		const lastEventId = ids.findLast((id) => id !== undefined);
		this.#connections.push(
			await endpoint.with({ ...LATEST, 'last-event-id': lastEventId }).openStream(this.session),
		);
	}

	close(): void {
		this.#connections.at(-1)?.destroy();
	}
}

/** Returns the complete events of a stream that was cut off. */
function completeEvents(text: string): string {
	return text.slice(0, text.lastIndexOf('\n\n') + 2);
}

describe.each(workerdVersions)(
	'successive deployments of 4, 6 and 3 shards on workerd %s',
	{ timeout: 60_000 },
	(version) => {
		let workers: Workers<Isolate>;
		const logged: string[] = [];

		beforeAll(async () => {
			workers = await startWorkers({
				entry,
				workers: isolates,
				version,
				kvNamespaces: [],
				durableObjects: { TMCP_DURABLE_OBJECT: 'SyncLayer', TMCP_SESSION_SHARD: 'SessionShard' },
				onLog: (line) => void logged.push(line),
			});
		}, 30_000);
		afterAll(() => workers.stop());

		const fetchJson = async (isolate: Isolate, path: string, body?: string): Promise<unknown> => {
			const init = body === undefined ? {} : { method: 'POST', body };
			const response = await fetch(new URL(path, workers.url(isolate)), init);
			expect(response.status).toBe(200);
			return response.json();
		};

		/** Returns the objects to which the isolate has published since the last such request. */
		const publishedTo = async (isolate: Isolate): Promise<string[]> =>
			(await fetchJson(isolate, '/published')) as string[]; // Safe because the fixture returns strings.

		it('orphan no session, lose no message and deliver each change once', async () => {
			const endpointOf = (isolate: Isolate, shards: number): Endpoint =>
				new Endpoint(workers.url(isolate), `/${shards}`);
			const clients: Client[] = [];
			/** The messages with their sessions; undefined means every session. */
			const published: { readonly number: number; readonly session: string | undefined }[] = [];
			const publication = new AbortController();

			// One message at a time, through alternating isolates, so that the messages have an order.
			const publishing = (async () => {
				for (let number = 1; !publication.signal.aborted; number++) {
					const session =
						number % 3 === 0 ? clients[number % Math.max(clients.length, 1)]?.session : undefined;
					const isolate = isolates[number % isolates.length] ?? 'a';
					const query = session ? `?session=${encodeURIComponent(session)}` : '';
					await fetchJson(isolate, `/publish${query}`, `data: ${JSON.stringify({ number })}\n\n`);
					published.push({ number, session });
				}
			})();
			const numberNow = (): number => published.at(-1)?.number ?? 0;
			const afterMessages = async (count: number): Promise<void> => {
				const target = numberNow() + count;
				await expect.poll(numberNow, { timeout: 20_000, interval: 5 }).toBeGreaterThan(target);
			};

			const subscriptions: IncomingResponse[] = [];
			const open = async (isolate: Isolate, shards: number): Promise<void> => {
				for (let each = 0; each < SESSIONS_EACH; each++) {
					const region = REGIONS[each % REGIONS.length];
					const endpoint = endpointOf(isolate, shards).with({ region });
					const session = await endpoint.initialize();
					expect(shardOfSession(session)).toMatch(new RegExp(`^${region ?? ''}[0-${shards - 1}]$`));
					const before = numberNow();
					const stream = await endpoint.with(LATEST).openStream(session);
					await stream.waitFor('id: ');
					// The message in transit may or may not arrive on this stream.
					clients.push(new Client(session, [before, numberNow() + 1], stream));
				}
				for (const region of REGIONS) {
					const params = { notifications: { toolsListChanged: true } };
					const opened = await endpointOf(isolate, shards)
						.with({ region })
						.postStateless({ id: 'l', method: 'subscriptions/listen', params });
					await opened.waitFor('acknowledged');
					subscriptions.push(opened);
				}
			};

			await open('a', 4);
			await afterMessages(20);
			await open('b', 6);
			for (const client of clients.filter((_, index) => index % 2 === 0)) {
				await client.reconnect(endpointOf('b', 6));
			}
			await afterMessages(20);
			await open('c', 3);
			for (const client of clients.filter((_, index) => index % 3 !== 0)) {
				await client.reconnect(endpointOf('c', 3));
			}
			await afterMessages(20);
			publication.abort();
			await publishing;

			// The newest deployment reads the client info of a session that the first one opened.
			const [oldest] = clients;
			expect(await endpointOf('c', 3).call('identify', oldest?.session ?? '')).toContain('raw');

			// A change reaches session-based and stateless clients once each, with one RPC to each object.
			const countChanges = (text: string): number => text.split(TOOLS_CHANGED).length - 1;
			const objects = new Set<string>();
			for (const [index, shards] of [4, 6, 3].entries()) {
				const isolate = isolates[index] ?? 'a';
				await fetchJson(isolate, '/published');
				await fetchJson(isolate, `/change?by=/${shards}`);
				const times = index + 1;
				const receivedTimes = (all: readonly { readonly text: string }[]) => (): boolean =>
					all.every(({ text }) => countChanges(text) === times);
				await expect.poll(receivedTimes(clients)).toBe(true);
				await expect.poll(receivedTimes(subscriptions)).toBe(true);
				const targets = await publishedTo(isolate);
				expect(new Set(targets).size).toBe(targets.length);
				for (const object of targets) objects.add(object);
				expect(targets).toHaveLength(objects.size);
			}
			const subscribe = { id: 1, method: 'resources/subscribe', params: { uri: URI } };
			for (const { session } of clients) {
				await (
					await endpointOf('a', 4).post(subscribe, session)
				).ended;
			}
			await fetchJson('a', `/change?by=/4&uri=${URI}`);
			await expect
				.poll(() => clients.every(({ text }) => text.split(UPDATED).length === 2))
				.toBe(true);
			expect((await publishedTo('a')).toSorted()).toEqual([...objects].toSorted());

			for (const { session, openedBetween, numbers, gaps } of clients) {
				const [before, after] = openedBetween;
				const own = published
					.filter((message) => message.session === undefined || message.session === session)
					.map(({ number }) => number);
				const expected = own.filter((number) => number > after);
				const [first = 0] = numbers;
				expect(first).toBeGreaterThan(before);
				expect(numbers).toEqual(own.filter((number) => number >= first));
				expect(numbers.slice(-expected.length)).toEqual(expected);
				expect(gaps).toBe(0);
			}
			expect(numberNow()).toBeGreaterThan(60);
			const shards = new Set(clients.map(({ session }) => shardOfSession(session)));
			expect(shards.size).toBeGreaterThan(6);
			for (const isolate of isolates) expect(await fetchJson(isolate, '/errors')).toEqual([]);
			for (const client of clients) client.close();
			for (const subscription of subscriptions) subscription.destroy();
		});
	},
);
