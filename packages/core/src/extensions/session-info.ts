import type { ClientCapabilities, ClientInfo, LogLevel } from '../store/session-store.ts';

/** What is known of a session; each is `undefined` where its client said nothing of it. */
export interface SessionInfo {
	readonly clientInfo: ClientInfo | undefined;
	readonly clientCapabilities: ClientCapabilities | undefined;
	readonly logLevel: LogLevel | undefined;
}

/** What an info manager may offer besides tmcp's interface: all that it knows with one look. */
export interface SessionInfoReader {
	/** @returns `undefined` where the session is unknown. */
	getSessionInfo(id: string): Promise<SessionInfo | undefined>;
}

/** Whether an info manager says all that it knows of a session at once. */
export function hasSessionInfo<Manager extends object>(
	manager: Manager,
): manager is Manager & SessionInfoReader {
	return 'getSessionInfo' in manager && typeof manager.getSessionInfo === 'function';
}
