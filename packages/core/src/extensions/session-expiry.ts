/**
 * What an info manager may offer besides tmcp's interface: how long its sessions live without use.
 * Whoever holds a stream of a session asks for the session more often than that while it is open,
 * since an open stream is a use.
 */
export interface SessionExpiry {
	/** How long a session lives that is not used, in milliseconds. */
	readonly idleMs: number;
}

/** Whether an info manager says when its sessions expire. */
export function hasSessionExpiry<Manager extends object>(
	manager: Manager,
): manager is Manager & SessionExpiry {
	return 'idleMs' in manager && typeof manager.idleMs === 'number';
}
