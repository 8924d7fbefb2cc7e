import type { SessionStore, StoreCapabilities } from '@tmcp-sessions/core/backend';

/** A store with one fault, and the cases that must fail. */
export interface WrongStore {
	readonly name: string;
	/** The capabilities that differ from a strong and atomic store. */
	readonly capabilities?: Partial<StoreCapabilities>;
	/** The documented capabilities, if they differ from the declared ones. */
	readonly expected?: Partial<StoreCapabilities>;
	/** The time that the store uses, if it differs from the clock of the suite. */
	now?(now: () => number): number;
	/** Whether its records never expire in the backend. */
	readonly keepsForever?: boolean;
	/** The methods that differ from the store `right`. */
	methods?(right: SessionStore): Partial<SessionStore>;
	/** The methods that differ in another isolate. */
	elsewhere?(store: SessionStore, now: () => number): Partial<SessionStore>;
	readonly fails: readonly string[];
}
