import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

/** From three on, if they are opened at the same time. */
const SOCKETS = 8;

/** Reproduces without the code of this package what `watchSocket` works around. */
describe.each(workerdVersions)('on workerd %s, the sockets of a reset object', (version) => {
	const isReported = version === 'current';

	it(
		isReported ? 'are closed' : 'stay open, and a message on them gets no response',
		async () => {
			const workers = await startWorkers({
				entry: join(import.meta.dirname, '../fixture/bare-sockets.ts'),
				workers: ['a'],
				version,
				kvNamespaces: [],
				durableObjects: { BARE: 'BareObject' },
			});
			const request = async (path: string): Promise<unknown> => {
				const response = await fetch(new URL(path, workers.url('a')));
				return response.ok && path !== '/hold' ? response.json() : undefined;
			};
			try {
				await Promise.all(Array.from({ length: SOCKETS }, () => request('/hold')));
				const open = { closed: 0, responses: 0, sockets: SOCKETS };
				await expect.poll(() => request('/')).toEqual(open);
				await request('/reset');
				const lost = { closed: isReported ? SOCKETS : 0, responses: 0, sockets: 0 };
				await expect.poll(() => request('/')).toEqual(lost);
				if (isReported) return;
				await request('/check');
				await delay(500);
				expect(await request('/')).toEqual(lost);
			} finally {
				await workers.stop();
			}
		},
		30_000,
	);
});
