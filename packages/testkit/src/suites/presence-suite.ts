import type { StreamPresence } from '@tmcp-sessions/core/backend';
import type { StreamSessionManager } from '@tmcp/session-manager';
import { describe, expect, it } from 'vitest';

import { OpenStream } from '../clients/open-stream.ts';
import { AWKWARD_LABELS } from '../cases/stream-cases.ts';

/** The stream manager with presence that a test uses. */
export interface PresenceUnderTest {
	readonly manager: StreamSessionManager & StreamPresence;
	/** The manager of another isolate over the same backend; `manager` itself if it has one isolate only. */
	readonly elsewhere: StreamSessionManager & StreamPresence;
	/** Evicts the objects of the backend from memory, as after 10 s of idleness. Streams stay open. */
	evict(): Promise<void>;
}

/** Creates the managers for one case. The backend may hold data of other cases. */
export type PresenceFactory = () => PresenceUnderTest | Promise<PresenceUnderTest>;

/**
 * Registers the requirements of stream managers that report open streams as Vitest tests, in addition to
 * `testStreamSessionManager`.
 *
 * @param name the name of the manager in the test titles.
 * @param factory called once for each test.
 */
export function testStreamPresence(name: string, factory: PresenceFactory): void {
	describe(`${name} as stream presence`, () => {
		it('reports an open stream in every isolate, from its opening to its end', async () => {
			const { manager, elsewhere, evict } = await factory();
			const session = crypto.randomUUID();
			expect(await elsewhere.hasOpenStream(session)).toBe(false);
			const stream = await OpenStream.open(manager, session);
			expect(await elsewhere.hasOpenStream(session)).toBe(true);
			await evict();
			expect(await elsewhere.hasOpenStream(session)).toBe(true);
			await stream.cancel();
			await expect.poll(() => elsewhere.hasOpenStream(session)).toBe(false);
		});

		it('reports an open stream until the last one closes or the session ends', async () => {
			const { manager, elsewhere } = await factory();
			const session = crypto.randomUUID();
			const first = await OpenStream.open(manager, session);
			await OpenStream.open(elsewhere, session);
			await first.cancel();
			expect(await manager.hasOpenStream(session)).toBe(true);
			await manager.delete(session);
			await expect.poll(() => manager.hasOpenStream(session)).toBe(false);
		});

		it('reports a stream for its own session only, whatever characters its id has', async () => {
			const { manager } = await factory();
			const session = crypto.randomUUID();
			const stream = await OpenStream.open(manager, session);
			for (const label of AWKWARD_LABELS) {
				expect(await manager.hasOpenStream(`${session}${label}`)).toBe(false);
			}
			await stream.cancel();
		});
	});
}
