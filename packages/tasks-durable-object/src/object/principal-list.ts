import { reachedLimit } from '@tmcp-sessions/tasks/backend';
import type { ListedTask, ReachedLimit, TaskLimits } from '@tmcp-sessions/tasks/backend';

type Row = { name: string; expires_ms: number; ended: number; session: string | null };

/** The list of a principal's tasks, in a separate object. */
export class PrincipalList {
	readonly #sql: SqlStorage;
	readonly #now: () => number;

	constructor(sql: SqlStorage, now: () => number) {
		this.#sql = sql;
		this.#now = now;
	}

	/** Whether this object has a list. */
	get exists(): boolean {
		const rows = this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'tmcp_tasks'").toArray();
		return rows.length > 0;
	}

	reserve(task: ListedTask, limits: TaskLimits | undefined): ReachedLimit | undefined {
		const listed = this.list();
		const reached = limits && reachedLimit(listed, limits);
		if (reached) return reached;
		this.#sql.exec(
			'CREATE TABLE IF NOT EXISTS tmcp_tasks (name TEXT PRIMARY KEY, expires_ms INTEGER, ended INTEGER, session TEXT) WITHOUT ROWID',
		);
		this.#sql.exec(
			'INSERT OR IGNORE INTO tmcp_tasks (name, expires_ms, ended, session) VALUES (?, ?, 0, ?)',
			task.name,
			task.expiresAtMs,
			task.session ?? null,
		);
		return undefined;
	}

	/**
	 * Returns the tasks that have not expired.
	 *
	 * @param only the session whose tasks to return. Default: all.
	 */
	list(only?: string): ListedTask[] {
		if (!this.exists) return [];
		this.#sql.exec('DELETE FROM tmcp_tasks WHERE expires_ms <= ?', this.#now());
		return this.#sql
			.exec<Row>(
				'SELECT * FROM tmcp_tasks WHERE ? IS NULL OR session = ?',
				only ?? null,
				only ?? null,
			)
			.toArray()
			.map(({ name, expires_ms: expiresAtMs, ended, session }) => {
				const listed = { name, expiresAtMs, hasEnded: ended === 1 };
				return session === null ? listed : { ...listed, session };
			});
	}

	settle(name: string, isDeleted: boolean): void {
		if (!this.exists) return;
		const statement = isDeleted
			? 'DELETE FROM tmcp_tasks WHERE name = ?'
			: 'UPDATE tmcp_tasks SET ended = 1 WHERE name = ?';
		this.#sql.exec(statement, name);
	}

	/** Returns when the last task expires; `undefined` if the list is empty. */
	lastExpiryMs(): number | undefined {
		const expiries = this.list().map(({ expiresAtMs }) => expiresAtMs);
		return expiries.length === 0 ? undefined : Math.max(...expiries);
	}
}
