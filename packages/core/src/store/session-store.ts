import type { Context } from 'tmcp';

type SessionInfo = NonNullable<Context['sessionInfo']>;

/** The client's name and version, from `initialize`. */
export type ClientInfo = NonNullable<SessionInfo['clientInfo']>;
/** The client's capabilities, from `initialize`. */
export type ClientCapabilities = NonNullable<SessionInfo['clientCapabilities']>;
/** The least severe level that the client requested with `logging/setLevel`. */
export type LogLevel = NonNullable<SessionInfo['logLevel']>;

/** All stored metadata of a session, read in one round trip. JSON only. */
export interface SessionRecord {
	/** When the session was opened, milliseconds since the epoch. Never changes. */
	createdAtMs: number;
	/** When the session expires, milliseconds since the epoch. Extended while the session is used. */
	expiresAtMs: number;
	clientInfo?: ClientInfo | undefined;
	clientCapabilities?: ClientCapabilities | undefined;
	logLevel?: LogLevel | undefined;
	/**
	 * Marks a session as ended if its metadata is in its id (`info-sealed`) and not in this store. A
	 * record with this mark is final: no later write replaces or changes it.
	 */
	hasEnded?: boolean | undefined;
}

/** The fields of a record that can change. A field that is `undefined` does not change. */
export type SessionPatch = Partial<Omit<SessionRecord, 'createdAtMs'>>;

/** What a backend guarantees. The contract suite asserts each value, and the README lists it. */
export interface StoreCapabilities {
	/**
	 * Who sees a confirmed write at the next read: `strong`, all isolates; `eventual`, all isolates
	 * after `visibleWithinSeconds`; `isolate`, only the isolate that wrote.
	 */
	readonly consistency: 'strong' | 'eventual' | 'isolate';
	/**
	 * How long another isolate may miss a confirmed write: 0 if `consistency` is `strong`. If it is
	 * `isolate`, how long the data in this isolate may be stale.
	 */
	readonly visibleWithinSeconds: number;
	/** The shortest TTL of the backend. Reads check the expiry to the millisecond. */
	readonly ttlFloorSeconds: number;
	/** Whether two concurrent updates of different fields both survive. */
	readonly atomicUpdate: boolean;
	/** The longest session id that the backend accepts, in bytes of UTF-8 after URI encoding. */
	readonly maxIdBytes: number;
}

/**
 * The interface of a backend. `StoredInfoSessionManager` makes tmcp's `InfoSessionManager` of it.
 *
 * Ids and uris are untrusted: any non-empty string works or is rejected with an
 * `InvalidSessionIdError`. A method that cannot reach its backend rejects with a `StoreError`.
 */
export interface SessionStore {
	readonly capabilities: StoreCapabilities;

	/**
	 * Reads the record in one round trip.
	 *
	 * @returns `undefined` if the session never existed, has ended or has expired, even if the backend
	 * still stores it.
	 * @throws {CorruptRecordError} if something else than a record is stored.
	 */
	read(id: string): Promise<SessionRecord | undefined>;

	/**
	 * Stores a new session. The caller ensures that the id is new. Ignores a session that has ended,
	 * see `delete`.
	 */
	create(id: string, record: SessionRecord): Promise<void>;

	/**
	 * Merges `patch` into a live session.
	 *
	 * @param ifAbsent the record to store if the store has none for this id, in the same operation.
	 * Default: none.
	 * @returns false, without writing, if the session has ended or expired, or is unknown and there is
	 * no `ifAbsent`.
	 */
	update(id: string, patch: SessionPatch, ifAbsent?: SessionRecord): Promise<boolean>;

	/**
	 * Ends the session and removes its subscriptions, at a cost proportional to their number. The id
	 * stays ended until the session would have expired, whatever other operations are under way. That
	 * includes a `create`, so an unknown id is marked as ended too.
	 *
	 * If `consistency` is `eventual`, an operation that was under way may make the session live again,
	 * at most until twice `visibleWithinSeconds` after this method has resolved.
	 *
	 * @param untilMs how long an unknown id stays ended, and the latest expiry that an operation under way
	 * may write, milliseconds since the epoch. Default: a day from now.
	 */
	delete(id: string, untilMs?: number): Promise<void>;

	/**
	 * Subscribes the session to a resource. Idempotent.
	 *
	 * The caller checks before that the session is live. If it has ended or expired by then, a store may
	 * reject with an `UnknownSessionError`, ignore the call, or store the subscription. Callers can rely
	 * on one thing only: the session stays ended. `subscribers` may return its id until `untilMs`, so
	 * that a message to an ended session must be harmless.
	 *
	 * @param untilMs when the backend may remove the subscription, milliseconds since the epoch.
	 */
	subscribe(id: string, uri: string, untilMs: number): Promise<void>;

	/** Reverts `subscribe`. Does nothing if the session has not subscribed. */
	unsubscribe(id: string, uri: string): Promise<void>;

	/** Returns the ids of all sessions that subscribed to exactly this uri, each once. */
	subscribers(uri: string): Promise<string[]>;
}
