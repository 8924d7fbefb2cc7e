import type { ClientCapabilities, ClientInfo, LogLevel } from '../store/session-store.ts';

/** Session metadata. A field is `undefined` if the client has not set it. */
export interface SessionInfo {
	readonly clientInfo: ClientInfo | undefined;
	readonly clientCapabilities: ClientCapabilities | undefined;
	readonly logLevel: LogLevel | undefined;
}

/** An optional capability of info managers: all session metadata with one read. */
export interface SessionInfoReader {
	/** @returns `undefined` if the session is unknown. */
	getSessionInfo(id: string): Promise<SessionInfo | undefined>;
}

/** Whether an info manager implements `SessionInfoReader`. */
export function hasSessionInfo<Manager extends object>(
	manager: Manager,
): manager is Manager & SessionInfoReader {
	return 'getSessionInfo' in manager && typeof manager.getSessionInfo === 'function';
}
