import type { SessionRecord, SessionStore, StoreCapabilities } from '@tmcp-sessions/core/backend';
import type { Step } from '../src/cases/interleavings.ts';

/** What a wrong store may do besides the methods of the right one. */
interface StorageAccess {
	readonly step: Step;
	/** Stores a record, whatever is stored. */
	overwrite(id: string, record: SessionRecord): void;
}

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
	methods?(right: SessionStore, storage: StorageAccess): Partial<SessionStore>;
	/** The methods that differ in another isolate. */
	elsewhere?(store: SessionStore, now: () => number): Partial<SessionStore>;
	readonly fails: readonly string[];
}
