import { HOUR_MS } from '../cases/session-store-subject.ts';
import { ManualClock } from '../manual-clock.ts';

/** The arguments for a test of a store: a session that no other test uses. */
export interface OpenSession {
	readonly id: string;
	readonly uri: string;
	readonly clock: ManualClock;
	readonly record: { readonly createdAtMs: number; readonly expiresAtMs: number };
}

/** Returns an id and a URI that no other test uses, and a record that expires after an hour of the clock. */
export function openSession(): OpenSession {
	const clock = new ManualClock();
	return {
		id: crypto.randomUUID(),
		uri: `test://${crypto.randomUUID()}`,
		clock,
		record: { createdAtMs: clock.now(), expiresAtMs: clock.now() + HOUR_MS },
	};
}
