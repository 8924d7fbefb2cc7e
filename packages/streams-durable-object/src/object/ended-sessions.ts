import { pruneTimes } from './storage.ts';

/**
 * Remembers the sessions that have ended. A stream that is opened while its session ends may arrive after
 * the end, and would stay open.
 */
export interface EndedSessions {
	/** @returns whether to call `prune` later. */
	add(session: string, nowMs: number): boolean;
	has(session: string): boolean;
	/** Deletes the sessions that ended before a time. @returns whether others remain. */
	prune(beforeMs: number): boolean;
}

/** Remembers ended sessions in SQLite, for as long as the log keeps messages. */
export class SqlEndedSessions implements EndedSessions {
	readonly #sql: SqlStorage;

	/** @param sql has the tables of `openStorage`. */
	constructor(sql: SqlStorage) {
		this.#sql = sql;
	}

	add(session: string, nowMs: number): boolean {
		this.#sql.exec('INSERT OR REPLACE INTO tmcp_meta VALUES (?, ?)', `ended:${session}`, nowMs);
		return true;
	}

	has(session: string): boolean {
		return (
			this.#sql.exec('SELECT 1 FROM tmcp_meta WHERE key = ?', `ended:${session}`).toArray().length >
			0
		);
	}

	prune(beforeMs: number): boolean {
		return pruneTimes(this.#sql, 'ended', beforeMs);
	}
}
