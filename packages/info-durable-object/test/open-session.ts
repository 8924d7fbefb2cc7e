import { ManualClock } from '@tmcp-sessions/testkit';

export const HOUR_MS = 3_600_000;

/** A session of its own for a test. */
export interface Opened {
	readonly id: string;
	readonly uri: string;
	readonly clock: ManualClock;
	readonly record: { createdAtMs: number; expiresAtMs: number };
}

/** An id and a uri that no other test uses, and a record that lives for an hour. */
export function open(): Opened {
	const clock = new ManualClock();
	return {
		id: crypto.randomUUID(),
		uri: `test://${crypto.randomUUID()}`,
		clock,
		record: { createdAtMs: clock.now(), expiresAtMs: clock.now() + HOUR_MS },
	};
}
