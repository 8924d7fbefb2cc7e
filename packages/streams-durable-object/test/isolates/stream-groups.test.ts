import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { StreamClient } from './client.ts';

type Isolate = 'a' | 'b';

const entry = join(import.meta.dirname, '../fixture/streams.ts');

/** The streams of isolate a are in one group, whose messages the object sends on one of their sockets. */
describe.each(workerdVersions)(
	'on workerd %s, a group of streams',
	{ timeout: 60_000 },
	(version) => {
		let workers: Workers<Isolate>;

		beforeEach(async () => {
			workers = await startWorkers({ entry, workers: ['a', 'b'], version, kvNamespaces: [] });
		}, 30_000);
		afterEach(() => workers.stop());

		const request = async <Json>(name: Isolate, path: string, body?: unknown): Promise<Json> => {
			const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
			const response = await fetch(new URL(path, workers.url(name)), init);
			expect(response.status).toBe(200);
			return (await response.json()) as Json; // Safe because the fixture returns this.
		};
		const addressOf = (name: Isolate, session: string): URL =>
			new URL(`/listen?session=${session}`, workers.url(name));
		const send = (session: string, message: string): Promise<null> =>
			request('b', `/send?session=${session}`, [
				`event: message\ndata: ${JSON.stringify(message)}\n\n`,
			]);
		const sockets = (): Promise<number> => request('b', '/sockets');
		/** Opens streams of isolate a, beside some that are open. */
		const openGroup = async (
			size: number,
			open = 0,
		): Promise<{ sessions: string[]; clients: StreamClient[] }> => {
			const sessions = Array.from({ length: size }, () => crypto.randomUUID());
			const opening = sessions.map((session) => StreamClient.open(addressOf('a', session)));
			const clients = await Promise.all(opening);
			await expect.poll(sockets).toBe(open + size);
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
			await send(sessions[4] ?? '', 'to one');
			await send('', 'last');
			for (const [index, client] of clients.entries()) {
				const expected = ['first', 'lost', ...(index === 4 ? ['to one'] : []), 'last'];
				await expect.poll(() => client.messages, { timeout: 10_000 }).toEqual(expected);
				expect(new Set(client.ids).size).toBe(client.ids.length);
				expect(client.comments).toEqual(['connected']);
			}
		});

		it('receives what is sent after each eviction of the object', async () => {
			const { clients } = await openGroup(5);
			// On workerd of 2026-07-30 an eviction may never end.
			const evict = (): Promise<unknown> =>
				version === '2026-07-30'
					? request('b', '/drop')
					: workers.evict({ webSockets: 'hibernate' });
			const expected: string[] = [];
			for (let number = 0; number < 5; number++) {
				await send('', `${number}`);
				expected.push(`${number}`);
				await evict();
				if (number === 2) await clients[0]?.disconnect();
			}
			await send('', 'last');
			for (const client of clients.slice(1))
				await expect
					.poll(() => client.messages, { timeout: 10_000 })
					.toEqual([...expected, 'last']);
		});

		it('receives messages while one of its clients does not read, which is cut', async () => {
			const stalled = await fetch(addressOf('a', crypto.randomUUID()));
			const { clients } = await openGroup(4, 1);
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
			await expect.poll(sockets, { timeout: 10_000 }).toBe(clients.length);
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
				const { clients } = await openGroup(500);
				const other = await StreamClient.open(addressOf('b', crypto.randomUUID()));
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
