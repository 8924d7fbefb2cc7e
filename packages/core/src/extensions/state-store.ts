import type { StoreCapabilities } from '../store/session-store.ts';

/** What a store of state guarantees. The contract suite asserts each value. */
export interface StateCapabilities extends Pick<
	StoreCapabilities,
	'consistency' | 'maxIdBytes' | 'ttlFloorSeconds' | 'visibleWithinSeconds'
> {
	/**
	 * Whether `write` compares the version and `end` returns the state once, so that concurrent writers
	 * lose nothing. If not, the last write wins.
	 */
	readonly isAtomic: boolean;
	/** Whether `extend` moves the expiry. If not, state is stored until its session ends at the latest. */
	readonly canExtend: boolean;
	/** The longest text in bytes of UTF-8. */
	readonly maxBytes: number;
}

/** The state of a session or of a handle. */
export interface StoredState {
	readonly text: string;
	/** Changes with every write. */
	readonly version: string;
}

/**
 * An optional capability of stores: one text for each id, beside the records of the sessions. Sessions
 * and handles have different ids. A method that cannot reach its backend rejects with a `StoreError`.
 */
export interface StateStore {
	readonly capabilities: StateCapabilities;

	/** Reads a text. `ended` after `end`. */
	read(id: string): Promise<StoredState | 'ended' | undefined>;

	/**
	 * Stores a text, unless it was changed or ended meanwhile.
	 *
	 * @param version of the text that is replaced, as `read` returned it. Undefined if there was none.
	 * @param untilMs when the backend may remove the text, milliseconds since the epoch.
	 * @returns false, without writing, if another version is stored, or the state has ended.
	 */
	write(id: string, text: string, version: string | undefined, untilMs: number): Promise<boolean>;

	/** Moves the expiry of a text to a later time. Does nothing if there is none. */
	extend(id: string, untilMs: number): Promise<void>;

	/**
	 * Removes a text for good: no later `write` stores another one.
	 *
	 * @param untilMs how long the end is remembered, milliseconds since the epoch.
	 * @returns the removed text, to one of several callers. A caller whose first response was lost may get
	 * undefined.
	 */
	end(id: string, untilMs: number): Promise<string | undefined>;
}

/** A store of sessions that may store state. */
export interface StateProvider {
	/** Undefined if the store has none. */
	readonly state: StateStore | undefined;
}

/** Returns what stores the state beside the sessions of a store, or `undefined`. */
export function stateOf(store: object): StateStore | undefined {
	// Safe because a store has this property only if it implements `StateProvider`.
	return (store as Partial<StateProvider>).state;
}

/** How long the state of a session is stored. */
export interface StateLifetime {
	/** When the session expires if this is its last use, milliseconds since the epoch. */
	readonly untilMs: number;
	/** When the session ends even if it is used. */
	readonly latestMs: number;
}

/** An optional capability of info managers: state that lives as long as its session. */
export interface StateSource {
	/**
	 * Returns the store of state. From then on, the manager extends and removes the state of a session
	 * with the session.
	 *
	 * @returns undefined if the store of the sessions has none.
	 */
	openState(): StateStore | undefined;
	/**
	 * Returns the lifetime of a live session. Shares the read of the request.
	 *
	 * @returns undefined if the session is unknown.
	 */
	stateLifetime(id: string): Promise<StateLifetime | undefined>;
}
