import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createSseHandler } from '@tmcp-sessions/http/legacy-sse';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createServer, KEY, LocalSession } from './one-process.ts';

const HOUR_MS = 60 * 60 * 1_000;
const DAY_MS = 24 * HOUR_MS;

describe('a session whose client asks for nothing for days', () => {
	beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] }));
	afterEach(() => void vi.useRealTimers());

	const open = async (absoluteSeconds?: number): Promise<LocalSession> => {
		const info = new StoredInfoSessionManager(new InMemorySessionStore(), { absoluteSeconds });
		const options = { sessionKeys: [KEY], info };
		return timed(LocalSession.open(createSseHandler(createServer(), options)));
	};
	/** Lets the time pass that the work waits for. */
	const timed = async <Result>(work: Promise<Result>): Promise<Result> => {
		const over = { is: false };
		const settled = work.finally(() => (over.is = true));
		settled.catch(() => {}); // Told below.
		while (!over.is) {
			await new Promise((resolve) => setImmediate(resolve));
			await vi.advanceTimersByTimeAsync(5);
		}
		return settled;
	};
	/** What the answer to a question of a call makes of it. */
	const asked = async (session: LocalSession, id: number): Promise<string> => {
		await timed(session.call(id, 'ask'));
		await timed(session.until('elicitation/create'));
		const [, question] = /"id":"([^"]+)"/.exec(session.text) ?? [];
		await timed(session.send({ id: question, result: { action: 'decline' } }));
		await timed(session.until('decline'));
		return session.text;
	};

	it('keeps what is known of the client', async () => {
		const session = await open();
		await timed(session.initialize());
		await vi.advanceTimersByTimeAsync(3 * DAY_MS);
		expect(await asked(session, 1)).not.toContain('"error"');
		await session.leave();
	});

	it('has time for initialize', async () => {
		const session = await open();
		await vi.advanceTimersByTimeAsync(3 * DAY_MS);
		await timed(session.initialize());
		expect(await asked(session, 1)).not.toContain('"error"');
		await session.leave();
	});

	it('ends at its absolute time with its stream, so that its client opens another', async () => {
		const session = await open(DAY_MS / 1_000);
		await timed(session.initialize());
		await vi.advanceTimersByTimeAsync(DAY_MS + 19 * HOUR_MS);
		const answer = await timed(session.send({ id: 1, method: 'ping' }));
		expect(answer.status).toBe(404);
	});
});
