import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import type { McpHandlerOptions } from '@tmcp-sessions/http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { open, post, setUp } from './local-handler.ts';

/** Delivers to no inbox, so that a call is cancelled only through its own isolate. */
class UndeliveredInboxes extends InMemoryStreamSessionManager {
	override async deliver(): Promise<number> {
		return 0;
	}
}

describe('a call whose client has disconnected', () => {
	beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] }));
	afterEach(() => void vi.useRealTimers());

	/** Starts two calls and cancels the first. Returns whether its signal was aborted. */
	const isCancelled = async (options: McpHandlerOptions, betweenMs: number): Promise<boolean> => {
		const { mcp, server } = setUp(options);
		const signals: (AbortSignal | undefined)[] = [];
		server.tool({ name: 'hang', description: 'Never returns' }, () => {
			signals.push(server.ctx.signal);
			return new Promise<never>(() => {});
		});
		const session = await open(mcp);
		const start = async (id: number): Promise<void> => {
			const response = mcp.fetch(
				post({ id, method: 'tools/call', params: { name: 'hang' } }, session),
			);
			while (signals.length < id) await new Promise((resolve) => setImmediate(resolve));
			await vi.advanceTimersByTimeAsync(20_000);
			await (await response).body?.cancel();
		};
		await start(1);
		await vi.advanceTimersByTimeAsync(betweenMs);
		await start(2);
		const params = { requestId: 1 };
		await mcp.fetch(post({ method: 'notifications/cancelled', params }, session));
		await vi.advanceTimersByTimeAsync(0);
		expect(signals).toHaveLength(2);
		return signals[0]?.aborted === true;
	};

	it('is forgotten after two minutes, since the platform ends its request without notice', async () => {
		expect(await isCancelled({ streams: new UndeliveredInboxes() }, 120_000)).toBe(false);
	});

	it('is cancelled directly while it may still run', async () => {
		expect(await isCancelled({ streams: new UndeliveredInboxes() }, 1_000)).toBe(true);
	});

	it('is cancelled through its inbox if it runs for long', async () => {
		expect(await isCancelled({}, 120_000)).toBe(true);
	});
});
