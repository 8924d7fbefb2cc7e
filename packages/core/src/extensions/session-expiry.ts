/**
 * An optional capability of info managers: sessions that expire when idle. An open stream counts as
 * use, so a handler that holds one reads the session more often than `idleMs`.
 */
export interface SessionExpiry {
	/** How long an unused session lives, in milliseconds. */
	readonly idleMs: number;
}

/** Whether an info manager implements `SessionExpiry`. */
export function hasSessionExpiry<Manager extends object>(
	manager: Manager,
): manager is Manager & SessionExpiry {
	return 'idleMs' in manager && typeof manager.idleMs === 'number';
}
