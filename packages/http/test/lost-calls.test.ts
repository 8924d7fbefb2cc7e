import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import type { McpHandlerOptions } from '@tmcp-sessions/http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { open, post, setUp } from './local-handler.ts';

/** What is delivered arrives nowhere. */
class DeafInboxes extends InMemoryStreamSessionManager {
	override async deliver(): Promise<number> {
		return 0;
	}
}

describe('a call whose client has left', () => {
	beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] }));
	afterEach(() => void vi.useRealTimers());

	/** Begins two calls, and cancels the first of them. @returns whether it is told. */
	const isTold = async (options: McpHandlerOptions, betweenMs: number): Promise<boolean> => {
		const { mcp, server } = setUp(options);
		const signals: (AbortSignal | undefined)[] = [];
		server.tool({ name: 'hang', description: 'Never returns' }, () => {
			signals.push(server.ctx.signal);
			return new Promise<never>(() => {});
		});
		const session = await open(mcp);
		const begin = async (id: number): Promise<void> => {
			const answering = mcp.fetch(
				post({ id, method: 'tools/call', params: { name: 'hang' } }, session),
			);
			while (signals.length < id) await new Promise((resolve) => setImmediate(resolve));
			await vi.advanceTimersByTimeAsync(20_000);
			await (await answering).body?.cancel();
		};
		await begin(1);
		await vi.advanceTimersByTimeAsync(betweenMs);
		await begin(2);
		const params = { requestId: 1 };
		await mcp.fetch(post({ method: 'notifications/cancelled', params }, session));
		await vi.advanceTimersByTimeAsync(0);
		expect(signals).toHaveLength(2);
		return signals[0]?.aborted === true;
	};

	it('is not kept when its request was ended, of which nobody is told', async () => {
		expect(await isTold({ streams: new DeafInboxes() }, 120_000)).toBe(false);
	});

	it('is cancelled at once while it may go on', async () => {
		expect(await isTold({ streams: new DeafInboxes() }, 1_000)).toBe(true);
	});

	it('is cancelled by its inbox where it goes on for long', async () => {
		expect(await isTold({}, 120_000)).toBe(true);
	});
});
