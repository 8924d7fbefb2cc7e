import type { SessionRecord } from '../store/session-store.ts';

/** A session of an owner. */
export interface OwnedSession {
	readonly id: string;
	/** When the session ends at the latest, milliseconds since the epoch. */
	readonly untilMs: number;
}

/** A session and its record. */
export interface StoredSessionRecord {
	readonly id: string;
	readonly record: SessionRecord;
}

/** One page of a directory. */
export interface DirectoryPage {
	readonly sessions: readonly StoredSessionRecord[];
	/** For the next page. Undefined if this is the last one. */
	readonly cursor: string | undefined;
}

/**
 * An optional capability of stores: finding sessions without their ids. `StoredInfoSessionManager` makes
 * `SessionAdministration` of it.
 *
 * An owner is the hash of a subject: 43 characters of `A-Z a-z 0-9 - _`.
 */
export interface SessionDirectory {
	/**
	 * Records the owner of a new session, beside its `create`.
	 *
	 * @param untilMs when the session ends at the latest; the backend may then remove the entry.
	 */
	addOwner(owner: string, id: string, untilMs: number): Promise<void>;

	/** Returns the recorded sessions of an owner, ended ones too. */
	sessionsOf(owner: string): Promise<OwnedSession[]>;

	/** Reverts `addOwner` for these sessions. */
	removeOwned(owner: string, ids: readonly string[]): Promise<void>;

	/**
	 * Returns a page of live sessions. May return fewer than `limit`, even none, with a cursor.
	 *
	 * @throws {TmcpSessionsError} `configuration`, if the cursor is not one that this method returned.
	 */
	list(cursor: string | undefined, limit: number): Promise<DirectoryPage>;
}

/** A store that may have a directory. */
export interface DirectoryProvider {
	/** Undefined if the store has none. */
	readonly directory: SessionDirectory | undefined;
}

/** Returns the directory of a store, or `undefined` if it has none. */
export function directoryOf(store: object): SessionDirectory | undefined {
	// Safe because a store has this property only if it implements `DirectoryProvider`.
	return (store as Partial<DirectoryProvider>).directory;
}
