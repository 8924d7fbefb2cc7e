import type { ClientCapabilities, ClientInfo } from '../store/session-store.ts';

/** What a client says of itself at `initialize`, and whose session it opens. */
export interface InitializeParams {
	/** As `RequestScope.principal`; empty where sessions are nobody's. */
	readonly principal: string;
	readonly clientInfo: ClientInfo;
	readonly clientCapabilities: ClientCapabilities;
	/** The revision that it asked for, where that is one the server knows. */
	readonly protocolVersion?: string | undefined;
	/** Where the session is served, a label of `a-z` and digits. Default: `0`. */
	readonly shard?: string | undefined;
}

/** A session as its client knows it, and as everything behind the handler does. */
export interface IssuedSession {
	/** What the client gets and sends: with all that is sealed in it, up to 2,048 characters. */
	readonly id: string;
	/**
	 * What managers, tools and logs call it: short, fit for a key, and of no use to who has it alone.
	 */
	readonly internalId: string;
	/** The revision that the client asked for. */
	readonly protocolVersion?: string | undefined;
}

/**
 * What an info manager may offer besides tmcp's interface: ids that carry what is known of their
 * session. Whoever serves the protocol asks it for the id at `initialize`, opens the id of every
 * other request, and calls the session by its `internalId` from there on.
 */
export interface SessionSealing {
	/**
	 * Whether what changes is kept: log levels, subscriptions, the end of a session. Where it is not,
	 * the server offers none of it.
	 */
	readonly storesMutableState: boolean;

	/**
	 * The id of a new session.
	 *
	 * @throws {TmcpSessionsError} `session-too-large`, where what the client says fits no id.
	 */
	sealSession(said: InitializeParams): Promise<IssuedSession>;

	/**
	 * The session of this id; `undefined` where the id was not made here, not for this principal, or
	 * has expired. Takes any text and asks no storage: whether the session was ended is for
	 * `getClientCapabilities` to say, as of every other.
	 */
	openSession(id: string, principal: string): Promise<IssuedSession | undefined>;
}

/** Whether an info manager makes the ids of its sessions. */
export function hasSessionSealing<Manager extends object>(
	manager: Manager,
): manager is Manager & SessionSealing {
	return (
		'sealSession' in manager &&
		typeof manager.sealSession === 'function' &&
		'openSession' in manager &&
		typeof manager.openSession === 'function'
	);
}
