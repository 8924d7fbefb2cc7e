import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
	StoreError,
} from '@tmcp-sessions/core';
import type { SessionPatch, SessionRecord } from '@tmcp-sessions/core/backend';
import type { McpHandler } from '@tmcp-sessions/http';
import { SealedInfoSessionManager } from '@tmcp-sessions/info-sealed';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { internalIdOf, KEY, open, post, setUp, URL_OF_MCP } from './local-handler.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const LIST = { id: 2, method: 'tools/list' };
const TOOLS_CHANGED = 'notifications/tools/list_changed';

/** A store that counts its reads and updates, and can be taken down or made read-only. */
class CountingStore extends InMemorySessionStore {
	reads = 0;
	updates = 0;
	isDown = false;
	isReadOnly = false;

	override async read(id: string): Promise<SessionRecord | undefined> {
		this.reads += 1;
		if (this.isDown) throw new StoreError('test', 'reading', new Error('down'));
		return super.read(id);
	}

	override async update(id: string, patch: SessionPatch): Promise<boolean> {
		this.updates += 1;
		if (this.isReadOnly) throw new StoreError('test', 'writing', new Error('read-only'));
		return super.update(id, patch);
	}
}

/** An open GET stream, and the text received so far. */
interface OpenStream {
	readonly hasEnded: boolean;
	readonly text: string;
	leave(): Promise<void>;
}

async function openStream(mcp: McpHandler, session: string): Promise<OpenStream> {
	const timers = vi.getTimerCount();
	const response = await mcp.fetch(
		new Request(URL_OF_MCP, { headers: { 'mcp-session-id': session } }),
	);
	expect(response.status).toBe(200);
	// Wait for the keep-alive of the session to start, without advancing the clock.
	while (vi.getTimerCount() === timers) await new Promise(setImmediate);
	const reader = response.body?.getReader();
	if (!reader) throw new Error('expected a body');
	let hasEnded = false;
	let text = '';
	const read = async (): Promise<void> => {
		const decoder = new TextDecoder();
		for (let next = await reader.read(); !next.done; next = await reader.read())
			text += decoder.decode(next.value);
		hasEnded = true;
	};
	read().catch(() => {}); // Cancelled: the text received so far is other.
	return {
		get hasEnded() {
			return hasEnded;
		},
		get text() {
			return text;
		},
		leave: () => reader.cancel(),
	};
}

const statusOf = async (mcp: McpHandler, session: string): Promise<number> =>
	(await mcp.fetch(post(LIST, session))).status;

describe('a session with an open stream', () => {
	// Fakes the keep-alives of streams too.
	beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] }));
	afterEach(() => void vi.useRealTimers());

	const pass = async (ms: number): Promise<void> => {
		await vi.advanceTimersByTimeAsync(ms);
	};

	it('does not expire although its client sends no request for days', async () => {
		const store = new CountingStore();
		const { mcp } = setUp({ info: new StoredInfoSessionManager(store) });
		const session = await open(mcp);
		const stream = await openStream(mcp, session);
		store.reads = 0;
		await pass(3 * DAY_MS);
		// Every 18 hours, and once when it was opened.
		expect(store.reads).toBeLessThanOrEqual(3 + 1 + 1);
		expect(stream.hasEnded).toBe(false);
		expect(await statusOf(mcp, session)).toBe(200);
		await stream.leave();
		await pass(DAY_MS + HOUR_MS);
		expect(await statusOf(mcp, session)).toBe(404);
	});

	it('ends at its absolute expiry, and ends its stream', async () => {
		const info = new StoredInfoSessionManager(new InMemorySessionStore(), {
			absoluteSeconds: (2 * DAY_MS) / 1_000,
		});
		const { mcp, server } = setUp({ info });
		const session = await open(mcp);
		const stream = await openStream(mcp, session);
		await pass(2 * DAY_MS - HOUR_MS);
		expect(stream.hasEnded).toBe(false);
		await pass(19 * HOUR_MS);
		expect(stream.hasEnded).toBe(true);
		server.changed('tools');
		await pass(0);
		expect(stream.text).not.toContain(TOOLS_CHANGED);
	});

	it('ends a stream that was opened concurrently with DELETE', async () => {
		const info = new StoredInfoSessionManager(new InMemorySessionStore());
		const { mcp, server } = setUp({ info });
		const session = await open(mcp);
		const [orphaned, other] = [
			await openStream(mcp, session),
			await openStream(mcp, await open(mcp)),
		];
		// Like a DELETE that listed the streams before this one was opened.
		await info.delete(internalIdOf(session));
		await pass(2 * MINUTE_MS);
		expect(orphaned.hasEnded).toBe(true);
		expect(other.hasEnded).toBe(false);
		server.changed('tools');
		await pass(0);
		expect(orphaned.text).not.toContain(TOOLS_CHANGED);
		expect(other.text).toContain(TOOLS_CHANGED);
		await other.leave();
	});

	it('keeps its stream while the store is down, and reports one error per hour', async () => {
		const store = new CountingStore();
		const reported: Error[] = [];
		const onError = (error: Error): void => void reported.push(error);
		const { mcp, errors } = setUp({ info: new StoredInfoSessionManager(store, { onError }) });
		const session = await open(mcp);
		const stream = await openStream(mcp, session);
		store.isDown = true;
		await pass(13 * HOUR_MS);
		expect(stream.hasEnded).toBe(false);
		expect(reported).toHaveLength(13);
		expect(errors).toEqual([]);
		store.isDown = false;
		await pass(2 * DAY_MS);
		expect(await statusOf(mcp, session)).toBe(200);
		await stream.leave();
	});

	it('does not expire after the write of a check failed, which is repeated an hour later', async () => {
		const store = new CountingStore();
		const reported: Error[] = [];
		const onError = (error: Error): void => void reported.push(error);
		const { mcp, errors } = setUp({ info: new StoredInfoSessionManager(store, { onError }) });
		const session = await open(mcp);
		const stream = await openStream(mcp, session);
		store.isReadOnly = true;
		await pass(18 * HOUR_MS + 2 * MINUTE_MS);
		expect(store.updates).toBe(1);
		await pass(2 * HOUR_MS);
		expect(reported.map(String)).toEqual(
			Array(3).fill('StoreError: [tmcp-sessions/test] writing failed: read-only'),
		);
		expect(errors).toEqual([]);
		store.isReadOnly = false;
		await pass(HOUR_MS);
		expect(store.updates).toBe(4);
		// The check that succeeded is followed by the usual interval.
		await pass(17 * HOUR_MS);
		expect(store.updates).toBe(4);
		await pass(DAY_MS);
		expect(stream.hasEnded).toBe(false);
		expect(await statusOf(mcp, session)).toBe(200);
		await stream.leave();
	});

	it('is not read any more after its stream ended', async () => {
		const store = new CountingStore();
		const { mcp } = setUp({ info: new StoredInfoSessionManager(store) });
		const stream = await openStream(mcp, await open(mcp));
		await stream.leave();
		store.reads = 0;
		await pass(DAY_MS);
		expect(store.reads).toBe(0);
	});

	it('ends at the fixed expiry of its sealed id', async () => {
		const info = new SealedInfoSessionManager({
			keys: ['pDq8c7mJ0hG3vT5sWz1xQf9yRk2uLb6nAe4oEi8tYwM='],
			absoluteSeconds: DAY_MS / 1_000,
		});
		const streams = new InMemoryStreamSessionManager();
		const { mcp } = setUp({ info, streams, sessionKeys: [KEY] });
		const session = await open(mcp);
		const stream = await openStream(mcp, session);
		await pass(DAY_MS - HOUR_MS);
		expect(stream.hasEnded).toBe(false);
		await pass(19 * HOUR_MS);
		expect(stream.hasEnded).toBe(true);
	});
});
