import type { ClientCapabilities, ClientInfo } from '../store/session-store.ts';

/** The parameters of `initialize`, and the principal that sent them. */
export interface InitializeParams {
	/** As `RequestScope.principal`; empty if sessions are not bound to principals. */
	readonly principal: string;
	readonly clientInfo: ClientInfo;
	readonly clientCapabilities: ClientCapabilities;
	/** The revision that the client requested, if the server supports it. */
	readonly protocolVersion?: string | undefined;
	/** The shard that serves the session: a label of `a-z` and digits. Default: `0`. */
	readonly shard?: string | undefined;
}

/** The two ids of a session. */
export interface IssuedSession {
	/** The id for the client, with the sealed metadata: up to 2,048 characters. */
	readonly id: string;
	/**
	 * The id for managers, tools and logs: short, fit for a storage key, and rejected if a client
	 * sends it.
	 */
	readonly internalId: string;
	/** The revision that the client requested. */
	readonly protocolVersion?: string | undefined;
}

/**
 * An optional capability of info managers: session ids that carry the metadata. The handler requests
 * the id at `initialize`, opens the id of every other request, and uses `internalId` from then on.
 */
export interface SessionSealing {
	/**
	 * Whether the manager stores what changes: log levels, subscriptions and the end of a session. If
	 * not, the server offers none of these.
	 */
	readonly storesMutableState: boolean;

	/**
	 * Seals the metadata of a new session into its id.
	 *
	 * @throws {TmcpSessionsError} `session-too-large`, if the client's metadata does not fit an id.
	 */
	sealSession(params: InitializeParams): Promise<IssuedSession>;

	/**
	 * Opens an id, without storage. Accepts any string. `getClientCapabilities` tells whether the
	 * session has ended.
	 *
	 * @returns `undefined` if the id is forged, belongs to another principal or has expired.
	 */
	openSession(id: string, principal: string): Promise<IssuedSession | undefined>;
}

/** Whether an info manager implements `SessionSealing`. */
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
