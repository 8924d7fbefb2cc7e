import type { Context } from 'tmcp';

type SessionInfo = NonNullable<Context['sessionInfo']>;

/** Name and version that the client gave at `initialize`. */
export type ClientInfo = NonNullable<SessionInfo['clientInfo']>;
/** What the client declared at `initialize` that it can do. */
export type ClientCapabilities = NonNullable<SessionInfo['clientCapabilities']>;
/** The least severe level that the client asked for with `logging/setLevel`. */
export type LogLevel = NonNullable<SessionInfo['logLevel']>;

/** Everything that is kept of one session, read in one round trip. JSON only. */
export interface SessionRecord {
	/** When the session was opened, milliseconds since the epoch. Never changes. */
	createdAtMs: number;
	/** When the session ends by itself, milliseconds since the epoch. Moved forward while it is used. */
	expiresAtMs: number;
	clientInfo?: ClientInfo | undefined;
	clientCapabilities?: ClientCapabilities | undefined;
	logLevel?: LogLevel | undefined;
	/** Set where this is kept for a session that lives elsewhere, in its id, to say that it has ended. */
	hasEnded?: boolean | undefined;
}

/** The fields of a record that can change after the session was opened. One that is `undefined` is left as it is. */
export type SessionPatch = Partial<Omit<SessionRecord, 'createdAtMs'>>;

/** What a backend promises. The contract suite asserts each line, the README shows it. */
export interface StoreCapabilities {
	/**
	 * Who sees a confirmed write at the next read: `strong`, everybody; `eventual`, everybody after
	 * `visibleWithinSeconds`; `isolate`, this isolate alone.
	 */
	readonly consistency: 'strong' | 'eventual' | 'isolate';
	/**
	 * How long a read elsewhere may miss a confirmed write: 0 where `consistency` is `strong`. Where it
	 * is `isolate`, how long what is held here may be outdated.
	 */
	readonly visibleWithinSeconds: number;
	/** The shortest time after which the backend itself forgets a record. A read checks the expiry to the millisecond. */
	readonly ttlFloorSeconds: number;
	/** Whether two updates of different fields at the same time both survive. */
	readonly atomicUpdate: boolean;
	/** The longest session id that the backend takes, in bytes of UTF-8 after URI encoding. */
	readonly maxIdBytes: number;
}

/**
 * What a backend implements, and nothing else. `StoredInfoSessionManager` makes tmcp's
 * `InfoSessionManager` of it.
 *
 * Ids and uris are data from clients: any non-empty string works or is refused with an
 * `InvalidSessionIdError`. A method that cannot reach its backend rejects with a `StoreError`.
 */
export interface SessionStore {
	readonly capabilities: StoreCapabilities;

	/**
	 * The record in one round trip. `undefined` where the session never was, has ended or has
	 * expired, whatever the backend still holds.
	 *
	 * @throws {CorruptRecordError} where something is stored that is no record.
	 */
	read(id: string): Promise<SessionRecord | undefined>;

	/** Stores a new session in one write and no read. The caller makes sure that the id is new. */
	create(id: string, record: SessionRecord): Promise<void>;

	/**
	 * Merges `patch` into a live session.
	 *
	 * @returns false, and nothing is written, where `read` would give `undefined`: a late write
	 * never brings an ended session back.
	 */
	update(id: string, patch: SessionPatch): Promise<boolean>;

	/**
	 * Ends the session and forgets its subscriptions, at a cost in proportion to these. The id stays
	 * ended at least until the session would have expired. Ending what is not there does nothing.
	 */
	delete(id: string): Promise<void>;

	/**
	 * Notes that the session wants to hear of the resource. Twice is once.
	 *
	 * @param untilMs when the backend may forget it by itself, milliseconds since the epoch.
	 */
	subscribe(id: string, uri: string, untilMs: number): Promise<void>;

	/** Undoes `subscribe`. Undoing what is not there does nothing. */
	unsubscribe(id: string, uri: string): Promise<void>;

	/** The ids of all sessions that subscribed to exactly this uri, each once, whatever their number. */
	subscribers(uri: string): Promise<string[]>;
}
