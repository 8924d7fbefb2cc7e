import { InMemorySessionStore, StoredInfoSessionManager, StoreError } from '@tmcp-sessions/core';
import { createSseHandler } from '@tmcp-sessions/http/legacy-sse';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createServer, KEY, LocalSession } from './local-session.ts';

const HOUR_MS = 60 * 60 * 1_000;
const DAY_MS = 24 * HOUR_MS;

describe('a session whose client sends no request for days', () => {
	beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] }));
	afterEach(() => void vi.useRealTimers());

	const open = async (
		absoluteSeconds?: number,
		store = new InMemorySessionStore(),
	): Promise<LocalSession> => {
		const onError = (): void => {};
		const info = new StoredInfoSessionManager(store, { absoluteSeconds, onError });
		const options = { sessionKeys: [KEY], info };
		return advanceUntil(LocalSession.open(createSseHandler(createServer(), options)));
	};
	/** Advances the clock until the promise settles. */
	const advanceUntil = async <Result>(promise: Promise<Result>): Promise<Result> => {
		const state = { isSettled: false };
		const settled = promise.finally(() => (state.isSettled = true));
		settled.catch(() => {}); // The caller gets the rejection.
		while (!state.isSettled) {
			await new Promise((resolve) => setImmediate(resolve));
			await vi.advanceTimersByTimeAsync(5);
		}
		return settled;
	};
	/** Calls a tool that elicits, declines, and returns all text received. */
	const declineElicitation = async (session: LocalSession, id: number): Promise<string> => {
		await advanceUntil(session.call(id, 'elicit'));
		await advanceUntil(session.waitFor('elicitation/create'));
		const [, elicitation] = /"id":"([^"]+)"/.exec(session.text) ?? [];
		await advanceUntil(session.send({ id: elicitation, result: { action: 'decline' } }));
		await advanceUntil(session.waitFor('decline'));
		return session.text;
	};

	it('keeps the session metadata', async () => {
		const session = await open();
		await advanceUntil(session.initialize());
		await vi.advanceTimersByTimeAsync(3 * DAY_MS);
		expect(await declineElicitation(session, 1)).not.toContain('"error"');
		await session.disconnect();
	});

	it('keeps the session metadata after a write of its expiry failed', async () => {
		const store = new InMemorySessionStore();
		const session = await open(undefined, store);
		await advanceUntil(session.initialize());
		const update = vi
			.spyOn(store, 'update')
			.mockRejectedValueOnce(new StoreError('test', 'writing', new Error('down')));
		await vi.advanceTimersByTimeAsync(3 * DAY_MS);
		expect(update.mock.calls.length).toBeGreaterThan(1);
		expect(await declineElicitation(session, 1)).not.toContain('"error"');
		await session.disconnect();
	});

	it('accepts initialize after three days', async () => {
		const session = await open();
		await vi.advanceTimersByTimeAsync(3 * DAY_MS);
		await advanceUntil(session.initialize());
		expect(await declineElicitation(session, 1)).not.toContain('"error"');
		await session.disconnect();
	});

	it('ends at its absolute expiry', async () => {
		const session = await open(DAY_MS / 1_000);
		await advanceUntil(session.initialize());
		await vi.advanceTimersByTimeAsync(DAY_MS + 19 * HOUR_MS);
		const response = await advanceUntil(session.send({ id: 1, method: 'ping' }));
		expect(response.status).toBe(404);
	});
});
