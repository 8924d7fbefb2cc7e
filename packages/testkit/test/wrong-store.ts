import type { SessionStore, StoreCapabilities } from '@tmcp-sessions/core/backend';

/** A store that does one thing wrong, and the cases that have to find it. */
export interface WrongStore {
	readonly name: string;
	/** What it declares, beside a store that is strong and atomic. */
	readonly capabilities?: Partial<StoreCapabilities>;
	/** What its package says of it, where that is something else. */
	readonly expected?: Partial<StoreCapabilities>;
	/** The time that it goes by, where that is not the suite's. */
	now?(now: () => number): number;
	/** Whether its records have no expiry in the backend. */
	readonly keepsForever?: boolean;
	/** What it does in another way than the store `right`. */
	methods?(right: SessionStore): Partial<SessionStore>;
	/** What another isolate sees of it. */
	elsewhere?(store: SessionStore, now: () => number): Partial<SessionStore>;
	readonly fails: readonly string[];
}
