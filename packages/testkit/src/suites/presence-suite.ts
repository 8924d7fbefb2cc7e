import type { StreamPresence } from '@tmcp-sessions/core/backend';
import type { StreamSessionManager } from '@tmcp/session-manager';
import { describe, expect, it } from 'vitest';

import { OpenStream } from '../clients/open-stream.ts';
import { AWKWARD_LABELS } from '../cases/stream-cases.ts';

/** A stream manager that knows who listens, as the suite needs it. */
export interface PresenceUnderTest {
	readonly manager: StreamSessionManager & StreamPresence;
	/** The manager of another isolate over the same backend; where there is one only, that one. */
	readonly elsewhere: StreamSessionManager & StreamPresence;
	/** Puts what serves the backend out of memory, as idleness would. Streams stay open. */
	evict(): Promise<void>;
}

/** Opens a stream manager for one case; the backend may hold what other cases left there. */
export type PresenceFactory = () => PresenceUnderTest | Promise<PresenceUnderTest>;

/**
 * Registers what holds for every stream manager that knows who listens as tests of vitest, besides
 * `testStreamSessionManager`.
 *
 * @param name what the tests are grouped under.
 * @param factory opens the manager, once for each case.
 */
export function testStreamPresence(name: string, factory: PresenceFactory): void {
	describe(`${name} knows who listens`, () => {
		it('a session has an open stream from its opening to its end, in every isolate', async () => {
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

		it('it has one as long as one of its streams is open, and none once it was ended', async () => {
			const { manager, elsewhere } = await factory();
			const session = crypto.randomUUID();
			const first = await OpenStream.open(manager, session);
			await OpenStream.open(elsewhere, session);
			await first.cancel();
			expect(await manager.hasOpenStream(session)).toBe(true);
			await manager.delete(session);
			await expect.poll(() => manager.hasOpenStream(session)).toBe(false);
		});

		it('a stream is that of its own session, whatever is in its id', async () => {
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
