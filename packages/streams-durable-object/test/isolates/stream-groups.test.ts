import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { StreamClient } from './client.ts';

type Isolate = 'a' | 'b';

const entry = join(import.meta.dirname, '../fixture/streams.ts');

describe.each(workerdVersions)('on workerd %s, without hand-over between requests', (version) => {
	it('a stream receives all messages on its own socket', async () => {
		const compatibilityFlags = ['nodejs_compat', 'no_handle_cross_request_promise_resolution'];
		const workers = await startWorkers({
			entry,
			workers: ['a'],
			version,
			kvNamespaces: [],
			compatibilityFlags,
		});
		try {
			const address = (path: string): URL => new URL(path, workers.url('a'));
			const opening = Array.from({ length: 5 }, () =>
				StreamClient.open(address(`/listen?session=${crypto.randomUUID()}`)),
			);
			const clients = await Promise.all(opening);
			for (const message of ['first', 'second']) {
				const body = JSON.stringify([`event: message\ndata: ${JSON.stringify(message)}\n\n`]);
				await fetch(address('/send'), { method: 'POST', body });
			}
			for (const client of clients)
				await expect.poll(() => client.messages).toEqual(['first', 'second']);
			const holders = await fetch(address('/holders'));
			expect(await holders.json()).toEqual([]);
			const sockets = await fetch(address('/sockets'));
			expect(await sockets.json()).toBe(5);
		} finally {
			await workers.stop();
		}
	});
});

/** The streams of isolate a are in one group, whose messages the object sends on one of their sockets. */
describe.each(workerdVersions)(
	'on workerd %s, a group of streams',
	{ timeout: 60_000 },
	(version) => {
		let workers: Workers<Isolate>;

		beforeEach(async () => {
			const onLog = (line: string): void => {
				if (!line.includes('abandoned by a test')) process.stderr.write(`${line}\n`);
			};
			workers = await startWorkers({
				entry,
				workers: ['a', 'b'],
				version,
				kvNamespaces: [],
				onLog,
			});
		}, 30_000);
		afterEach(() => workers.stop());

		const request = async <Json>(name: Isolate, path: string, body?: unknown): Promise<Json> => {
			const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
			const response = await fetch(new URL(path, workers.url(name)), init);
			expect(response.status).toBe(200);
			return (await response.json()) as Json; // Safe because the fixture returns this.
		};
		const addressOf = (name: Isolate, session: string, isPiped = true): URL =>
			new URL(`/listen?session=${session}${isPiped ? '&piped' : ''}`, workers.url(name));
		const send = (session: string, message: string): Promise<null> =>
			request('b', `/send?session=${session}`, [
				`event: message\ndata: ${JSON.stringify(message)}\n\n`,
			]);
		const sockets = (): Promise<number> => request('b', '/sockets');
		const streams = (): Promise<number> => request('b', '/streams');
		const holders = (): Promise<string[]> => request('b', '/holders');
		/** Opens streams of isolate a, beside some that are open. */
		const openGroup = async (
			size: number,
			{ open = 0, isPiped = true } = {},
		): Promise<{ sessions: string[]; clients: StreamClient[] }> => {
			const sessions = Array.from({ length: size }, () => crypto.randomUUID());
			const opening = sessions.map((session) =>
				StreamClient.open(addressOf('a', session, isPiped)),
			);
			const clients = await Promise.all(opening);
			await expect.poll(streams, { timeout: 10_000 }).toBe(open + size);
			return { sessions, clients };
		};
		it('receives every message once and in order while its clients leave one after another', async () => {
			const { sessions, clients } = await openGroup(30);
			const [staying, leaving] = [clients.slice(25), clients.slice(0, 25)];
			const expected = staying.map((): string[] => []);
			const disconnecting: Promise<void>[] = [];
			for (let number = 0; number < 150; number++) {
				const message = `${number}`;
				const only = number % 3 === 0 ? number % staying.length : undefined;
				const sending = send(only === undefined ? '' : (sessions[25 + only] ?? ''), message);
				// Its request may be the one that receives the message.
				const leaver = number % 6 === 1 ? leaving[Math.floor(number / 6)] : undefined;
				if (leaver) disconnecting.push(leaver.disconnect());
				await sending;
				for (const [index, messages] of expected.entries())
					if (only === undefined || only === index) messages.push(message);
			}
			await Promise.all(disconnecting);
			for (const [index, client] of staying.entries())
				await expect.poll(() => client.messages, { timeout: 10_000 }).toEqual(expected[index]);
		});

		it('receives a message that is lost with the socket that it was sent on', async () => {
			const { sessions, clients } = await openGroup(5);
			await send('', 'first');
			await request('b', '/lose');
			await send('', 'lost');
			// The object tells the streams how many messages it sent: none has to follow.
			for (const client of clients)
				await expect.poll(() => client.messages, { timeout: 10_000 }).toEqual(['first', 'lost']);
			await send(sessions[4] ?? '', 'to one');
			await send('', 'last');
			for (const [index, client] of clients.entries()) {
				const expected = ['first', 'lost', ...(index === 4 ? ['to one'] : []), 'last'];
				await expect.poll(() => client.messages, { timeout: 10_000 }).toEqual(expected);
				expect(new Set(client.ids).size).toBe(client.ids.length);
				expect(client.comments).toEqual(['connected']);
			}
		});

		it('receives a message that is lost unnoticed, once a later one has arrived', async () => {
			const { sessions, clients } = await openGroup(5);
			await send('', 'first');
			await request('b', '/lose?silently');
			await send('', 'lost');
			await send(sessions[4] ?? '', 'to one');
			await send('', 'last');
			for (const [index, client] of clients.entries()) {
				const expected = ['first', 'lost', ...(index === 4 ? ['to one'] : []), 'last'];
				await expect.poll(() => client.messages, { timeout: 10_000 }).toEqual(expected);
				expect(new Set(client.ids).size).toBe(client.ids.length);
			}
		});

		it('receives every message once and in order while the requests that receive them end abruptly', async () => {
			const { sessions, clients } = await openGroup(20);
			const abandoned = new Set<string>();
			const expected: string[] = [];
			for (let number = 0; number < 60; number++) {
				const sending = send('', `${number}`);
				if (number % 4 === 2) {
					const [holder] = await holders();
					if (holder !== undefined) {
						abandoned.add(holder);
						await request('a', `/abandon?session=${holder}`);
					}
				}
				await sending;
				expected.push(`${number}`);
			}
			expect(abandoned.size).toBeGreaterThan(3);
			for (const [index, client] of clients.entries()) {
				if (abandoned.has(sessions[index] ?? '')) continue;
				await expect.poll(() => client.messages, { timeout: 15_000 }).toEqual(expected);
				expect(new Set(client.ids).size).toBe(client.ids.length);
			}
		});

		// Opening 5,000 streams takes most of the time.
		it.each(version === 'current' ? [500, 5_000] : [500])(
			'of %i streams of one isolate receives what is sent while the request that receives it ends',
			async (size) => {
				const { sessions, clients } = await openGroup(size, { isPiped: false });
				await send('', 'first');
				const [holder] = await holders();
				// The first part of the next message is lost with its socket, whenever the request ends.
				await request('b', '/lose');
				const sending = send('', 'second');
				await request('a', `/abandon?session=${holder}`);
				await sending;
				await send('', 'third');
				const others = clients.filter((_, index) => sessions[index] !== holder);
				const haveAll = (): boolean => others.every(({ messages }) => messages.length >= 3);
				await expect.poll(haveAll, { timeout: 60_000 }).toBe(true);
				const received = new Set(others.map(({ messages }) => messages.join()));
				expect([...received]).toEqual(['first,second,third']);
			},
			200_000,
		);

		it('has three sockets, and other streams open new ones when the streams that hold them leave', async () => {
			const { sessions, clients } = await openGroup(40);
			expect(await sockets()).toBe(3);
			const clientOf = (session: string | undefined): StreamClient | undefined =>
				clients[sessions.indexOf(session ?? '')];
			const expected: string[] = [];
			const gone = new Set<StreamClient | undefined>();
			for (let left = 0; left < 5; left++) {
				const [holder] = await holders();
				const leaving = clientOf(holder);
				gone.add(leaving);
				await leaving?.disconnect();
				// A write finds a connection that is closed.
				const holdersAfterMessage = async (): Promise<string[]> => {
					await send('', `${expected.length}`);
					expected.push(`${expected.length}`);
					return holders();
				};
				await expect.poll(holdersAfterMessage, { timeout: 10_000 }).not.toContain(holder);
				await expect.poll(sockets, { timeout: 10_000 }).toBe(3);
			}
			await expect.poll(streams, { timeout: 10_000 }).toBe(35);
			for (const client of clients.filter((each) => !gone.has(each)))
				await expect.poll(() => client.messages, { timeout: 10_000 }).toEqual(expected);
		});

		it('receives what was sent after all requests that hold its sockets ended abruptly', async () => {
			const { sessions, clients } = await openGroup(12);
			await send('', 'first');
			const abandoned = await holders();
			expect(abandoned).toHaveLength(3);
			await Promise.all(abandoned.map((session) => request('a', `/abandon?session=${session}`)));
			await send('', 'second');
			const others = clients.filter((_, index) => !abandoned.includes(sessions[index] ?? ''));
			for (const client of others)
				await expect.poll(() => client.messages, { timeout: 35_000 }).toEqual(['first', 'second']);
			await send('', 'third');
			for (const client of others) {
				await expect.poll(() => client.messages.at(-1), { timeout: 10_000 }).toBe('third');
				expect(new Set(client.ids).size).toBe(client.ids.length);
			}
		});

		it('loses a stream whose request has ended abruptly once messages are sent to it', async () => {
			const { sessions, clients } = await openGroup(6);
			const held = await holders();
			const ended = sessions.find((session) => !held.includes(session)) ?? '';
			await request('a', `/abandon?session=${ended}`);
			await clients[sessions.indexOf(ended)]?.ended;
			await send('', 'first');
			await expect.poll(streams, { timeout: 20_000 }).toBe(5);
			const counts = await request<{ isOpen: boolean }>('b', `/counts?session=${ended}`);
			expect(counts.isOpen).toBe(false);
		});

		it('receives messages from an object of an earlier release, whose streams share no sockets', async () => {
			await request('b', '/earlier');
			const { clients } = await openGroup(6);
			expect(await sockets()).toBe(6);
			for (const message of ['first', 'second']) await send('', message);
			for (const client of clients)
				await expect.poll(() => client.messages, { timeout: 10_000 }).toEqual(['first', 'second']);
		});

		it('opens sockets for new streams if an earlier release has replaced the object', async () => {
			const { clients } = await openGroup(4);
			await request('b', '/earlier');
			const { clients: later } = await openGroup(3, { open: 4 });
			await send('', 'first');
			for (const client of [...clients, ...later])
				await expect.poll(() => client.messages, { timeout: 10_000 }).toEqual(['first']);
		});

		it('receives what is sent after each eviction of the object', async () => {
			const { sessions, clients } = await openGroup(5);
			// On workerd of 2026-07-30 an eviction may never end.
			const evict = (): Promise<unknown> =>
				version === '2026-07-30'
					? request('b', '/drop')
					: workers.evict({ webSockets: 'hibernate' });
			const expected: string[] = [];
			for (let number = 0; number < 5; number++) {
				await send('', `${number}`);
				expected.push(`${number}`);
				const evicting = evict();
				if (number === 1) await request('a', `/abandon?session=${sessions[1]}`);
				if (number === 2) await clients[0]?.disconnect();
				await evicting;
			}
			await send('', 'last');
			for (const client of clients.slice(2))
				await expect
					.poll(() => client.messages, { timeout: 10_000 })
					.toEqual([...expected, 'last']);
		});

		it('receives what is sent after a reset of the object, also if no socket reports that it is lost', async () => {
			// Opened at the same time: workerd of 2026-07-30 then leaves the sockets of the reset object open.
			const { clients } = await openGroup(8);
			await send('', 'before');
			for (const reset of ['first', 'second']) {
				await request('b', '/reset');
				await send('', `after the ${reset}`);
				// Both checks of a socket, and its replacement.
				await expect.poll(streams, { timeout: 35_000 }).toBe(clients.length);
			}
			const expected = ['before', 'after the first', 'after the second'];
			for (const client of clients) {
				await expect.poll(() => client.messages, { timeout: 10_000 }).toEqual(expected);
				expect(new Set(client.ids).size).toBe(client.ids.length);
				expect(client.comments).toEqual(['connected']);
			}
		}, 100_000);

		it('receives messages while one of its clients does not read, which is cut', async () => {
			const stalled = await fetch(addressOf('a', crypto.randomUUID()));
			const { clients } = await openGroup(4, { open: 1 });
			const errors = (): Promise<string[]> => request('a', '/errors');
			const before = (await errors()).length;
			const messages = Array.from({ length: 60 }, (_, index) => `${index} ${'x'.repeat(200_000)}`);
			for (const message of messages) await send('', message);
			await expect
				.poll(async () => (await errors()).slice(before), { timeout: 10_000 })
				.toEqual([expect.stringContaining('the client does not read')]);
			for (const client of clients) {
				await expect.poll(() => client.messages.length, { timeout: 10_000 }).toBe(messages.length);
				// Compared here so that a failure does not print the messages.
				expect(client.messages.every((message, index) => message === messages[index])).toBe(true);
			}
			// The request of the cut stream has closed its own socket.
			await expect.poll(streams, { timeout: 10_000 }).toBe(clients.length);
			await stalled.body?.cancel().catch(() => undefined);
		});

		it('receives a message that is longer than the buffer of a client', async () => {
			const { clients } = await openGroup(3);
			const long = 'x'.repeat(3 * 1024 * 1024);
			await send('', long);
			await send('', 'next');
			for (const client of clients) {
				await expect.poll(() => client.messages.length, { timeout: 10_000 }).toBe(2);
				expect(client.messages[0] === long).toBe(true);
			}
		});

		// The other release does not cancel a stream of JavaScript whose client has disconnected.
		it.runIf(version === 'current')(
			'leaves no sockets when 500 streams of its isolate end at once, and other isolates receive what follows',
			async () => {
				const { clients } = await openGroup(500, { isPiped: false });
				const other = await StreamClient.open(addressOf('b', crypto.randomUUID(), false));
				await send('', 'to all');
				const hasOne = ({ messages }: StreamClient): boolean => messages.length === 1;
				await expect.poll(() => clients.every(hasOne), { timeout: 10_000 }).toBe(true);
				const leaving = Promise.all(clients.map((client) => client.disconnect()));
				await send('', 'while they leave');
				await leaving;
				// A write finds the connections that are closed.
				const left = async (): Promise<number> => {
					await send('', 'after they left');
					return sockets();
				};
				await expect.poll(left, { timeout: 20_000 }).toBe(1);
				expect(other.messages.slice(0, 3)).toEqual([
					'to all',
					'while they leave',
					'after they left',
				]);
			},
		);
	},
);
