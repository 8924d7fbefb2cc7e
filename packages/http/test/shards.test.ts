import { eventIdOf } from '@tmcp-sessions/core/backend';
import { shardOfSession } from '@tmcp-sessions/core/internal';
import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Endpoint } from './endpoint.ts';
import type { Incoming } from './endpoint.ts';

const entry = fileURLToPath(new URL('fixture/shards.ts', import.meta.url));
const isolates = ['a', 'b', 'c'] as const;
type Isolate = (typeof isolates)[number];

const REGIONS = [undefined, 'weur', 'oc'];
const SESSIONS_EACH = 9;
const URI = 'test://a';
const UPDATED = 'notifications/resources/updated';
const TOOLS_CHANGED = 'notifications/tools/list_changed';

/** A session's client, whose connections come and go. */
class Client {
	readonly session: string;
	/** The last message that was confirmed before its first stream was opened, and after it was. */
	readonly openedBetween: readonly [number, number];
	readonly #connections: Incoming[];

	constructor(session: string, openedBetween: readonly [number, number], connection: Incoming) {
		this.session = session;
		this.openedBetween = openedBetween;
		this.#connections = [connection];
	}

	get text(): string {
		return this.#connections.map(({ text }) => whole(text)).join('');
	}

	/** The numbers that arrived, over all connections, as they came. */
	get numbers(): number[] {
		return [...this.text.matchAll(/"number":(\d+)/g)].map(([, number]) => Number(number));
	}

	get gaps(): number {
		return this.text.split(': gap').length - 1;
	}

	/** Loses the connection, and opens another one with what it saw last. */
	async reconnect(endpoint: Endpoint): Promise<void> {
		const last = this.#connections.at(-1);
		last?.destroy();
		await last?.ended;
		const ids = whole(this.text)
			.split('\n\n')
			.map((frame) => eventIdOf(`${frame}\n`));
		const lastEventId = ids.findLast((id) => id !== undefined);
		this.#connections.push(
			await endpoint.with({ 'last-event-id': lastEventId }).openStream(this.session),
		);
	}

	leave(): void {
		this.#connections.at(-1)?.destroy();
	}
}

/** What a client has of a stream that broke off: its whole frames. */
function whole(text: string): string {
	return text.slice(0, text.lastIndexOf('\n\n') + 2);
}

describe.each(workerdVersions)(
	'deployments of 4, 6 and 3 shards on workerd %s',
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

		const ask = async (isolate: Isolate, path: string, body?: string): Promise<unknown> => {
			const init = body === undefined ? {} : { method: 'POST', body };
			const response = await fetch(new URL(path, workers.url(isolate)), init);
			expect(response.status).toBe(200);
			return response.json();
		};

		/** The objects that this isolate has told something since it was asked last. */
		const toldIn = async (isolate: Isolate): Promise<string[]> =>
			(await ask(isolate, '/told')) as string[]; // Sound: the fixture's own answer.

		it('orphan no session and lose no message, and all are told of everything once', async () => {
			const endpointOf = (isolate: Isolate, shards: number): Endpoint =>
				new Endpoint(workers.url(isolate), `/${shards}`);
			const clients: Client[] = [];
			/** By the session they are for; undefined is every session. */
			const published: { readonly number: number; readonly session: string | undefined }[] = [];
			const publication = new AbortController();

			// One message after the other, through one isolate or another: that is their order.
			const publishing = (async () => {
				for (let number = 1; !publication.signal.aborted; number++) {
					const session =
						number % 3 === 0 ? clients[number % Math.max(clients.length, 1)]?.session : undefined;
					const isolate = isolates[number % isolates.length] ?? 'a';
					const query = session ? `?session=${encodeURIComponent(session)}` : '';
					await ask(isolate, `/publish${query}`, `data: ${JSON.stringify({ number })}\n\n`);
					published.push({ number, session });
				}
			})();
			const numberNow = (): number => published.at(-1)?.number ?? 0;
			const afterMessages = async (count: number): Promise<void> => {
				const until = numberNow() + count;
				await expect.poll(numberNow, { timeout: 20_000, interval: 5 }).toBeGreaterThan(until);
			};

			const listeners: Incoming[] = [];
			const open = async (isolate: Isolate, shards: number): Promise<void> => {
				for (let each = 0; each < SESSIONS_EACH; each++) {
					const region = REGIONS[each % REGIONS.length];
					const endpoint = endpointOf(isolate, shards).with({ region });
					const session = await endpoint.initialize();
					expect(shardOfSession(session)).toMatch(new RegExp(`^${region ?? ''}[0-${shards - 1}]$`));
					const before = numberNow();
					const stream = await endpoint.openStream(session);
					await stream.until('id: ');
					// The one that is on its way may be there or not.
					clients.push(new Client(session, [before, numberNow() + 1], stream));
				}
				for (const region of REGIONS) {
					const params = { notifications: { toolsListChanged: true } };
					const listening = await endpointOf(isolate, shards)
						.with({ region })
						.postStateless({ id: 'l', method: 'subscriptions/listen', params });
					await listening.until('acknowledged');
					listeners.push(listening);
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

			// Whoever opened a session, whoever serves it now knows who its client is.
			const [oldest] = clients;
			expect(await endpointOf('c', 3).call('who', oldest?.session ?? '')).toContain('raw');

			// A change as the server raises it: both eras are told, each once, for one call to each object.
			const told = (text: string): number => text.split(TOOLS_CHANGED).length - 1;
			const objects = new Set<string>();
			for (const [index, shards] of [4, 6, 3].entries()) {
				const isolate = isolates[index] ?? 'a';
				await ask(isolate, '/told');
				await ask(isolate, `/change?by=/${shards}`);
				const times = index + 1;
				const toldTimes = (all: readonly { readonly text: string }[]) => (): boolean =>
					all.every(({ text }) => told(text) === times);
				await expect.poll(toldTimes(clients), { timeout: 10_000 }).toBe(true);
				await expect.poll(toldTimes(listeners), { timeout: 10_000 }).toBe(true);
				const calls = await toldIn(isolate);
				expect(new Set(calls).size).toBe(calls.length);
				for (const object of calls) objects.add(object);
				expect(calls).toHaveLength(objects.size);
			}
			const subscribe = { id: 1, method: 'resources/subscribe', params: { uri: URI } };
			for (const { session } of clients) {
				await (
					await endpointOf('a', 4).post(subscribe, session)
				).ended;
			}
			await ask('a', `/change?by=/4&uri=${URI}`);
			await expect
				.poll(() => clients.every(({ text }) => text.split(UPDATED).length === 2), {
					timeout: 10_000,
				})
				.toBe(true);
			expect((await toldIn('a')).toSorted()).toEqual([...objects].toSorted());

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
			for (const isolate of isolates) expect(await ask(isolate, '/errors')).toEqual([]);
			for (const client of clients) client.leave();
			for (const listener of listeners) listener.destroy();
		});
	},
);
