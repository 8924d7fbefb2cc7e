import { INBOX_RECONNECT_MS } from '../wire/limits.ts';
import { pruneTimes } from './storage.ts';

/** The most calls of a session that are asked for in vain. More would let a client fill the storage. */
const MAX_PER_SESSION = 256;

/**
 * Finds out which calls are lost. A running call holds an inbox open, whose socket may be reconnecting at
 * the moment. So the object stores since when a call that a client asks for has had no inbox, and deletes
 * this when an inbox of the call opens: a stored time means that the call has been absent ever since.
 *
 * Nothing is stored for a call until a client resumes it in vain.
 */
export class LostCalls {
	readonly #sql: SqlStorage;

	/** @param sql has the tables of `openStorage`. */
	constructor(sql: SqlStorage) {
		this.#sql = sql;
	}

	/** Notes that an inbox of a call is open. */
	markFound(session: string, call: string): void {
		this.#sql.exec('DELETE FROM tmcp_meta WHERE key = ?', keyOf(session, call));
	}

	/** Returns whether a call without an open inbox is lost: an open inbox would have reconnected. */
	isLost(session: string, call: string, nowMs: number): boolean {
		const key = keyOf(session, call);
		const [row] = this.#sql.exec<{ value: number }>(
			'SELECT value FROM tmcp_meta WHERE key = ?',
			key,
		);
		if (row) return nowMs - row.value >= INBOX_RECONNECT_MS;
		this.#limit(session);
		this.#sql.exec('INSERT INTO tmcp_meta VALUES (?, ?)', key, nowMs);
		return false;
	}

	/** Deletes what was stored before a time. @returns whether other calls remain. */
	prune(beforeMs: number): boolean {
		return pruneTimes(this.#sql, 'absent', beforeMs);
	}

	/** Starts over for a session with too many calls, which only delays its own answers. */
	#limit(session: string): void {
		// A space separates the session, whose id is URI encoded, from the call. `!` follows it in ASCII.
		const range = [`absent:${session} `, `absent:${session}!`];
		const { calls } = this.#sql
			.exec<{ calls: number }>(
				'SELECT count(*) AS calls FROM tmcp_meta WHERE key >= ? AND key < ?',
				...range,
			)
			.one();
		if (calls < MAX_PER_SESSION) return;
		this.#sql.exec('DELETE FROM tmcp_meta WHERE key >= ? AND key < ?', ...range);
	}
}

function keyOf(session: string, call: string): string {
	return `absent:${session} ${call}`;
}
