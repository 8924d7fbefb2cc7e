import { isInterested } from '../wire/change-interests.ts';
import type { ChangeInterests, ChangeReceiver, ReportedChange } from '../wire/change-interests.ts';

/** A receiver that is registered at this shard. */
export interface RegisteredReceiver extends ChangeReceiver {
	/** The newest change when it registered. It receives later ones only. */
	readonly since: number;
}

type ReceiverRow = { object: string; token: string; since: number; interests: string };

/**
 * Lists the objects that receive published changes, one row for each. The first one creates the table:
 * most shards, and the hubs of session objects, have none.
 */
export class ChangeReceivers {
	readonly #sql: SqlStorage;
	/** Read once after each wake-up, when it is needed. */
	#receivers: Map<string, RegisteredReceiver> | undefined;

	constructor(sql: SqlStorage) {
		this.#sql = sql;
	}

	get size(): number {
		return this.#load().size;
	}

	get(object: string): RegisteredReceiver | undefined {
		return this.#load().get(object);
	}

	/** Adds a receiver, or replaces the interests and the token of one. */
	set(receiver: RegisteredReceiver): void {
		const { object, token, since, interests } = receiver;
		const receivers = this.#load();
		this.#sql.exec(TABLE);
		this.#sql.exec(
			'INSERT OR REPLACE INTO tmcp_receivers (object, token, since, interests) VALUES (?, ?, ?, ?)',
			object,
			token,
			since,
			JSON.stringify(interests),
		);
		receivers.set(object, receiver);
	}

	/** Removes a receiver, unless it has registered again under another token. */
	remove(object: string, token: string): void {
		const receivers = this.#load();
		if (receivers.get(object)?.token !== token) return;
		this.#sql.exec('DELETE FROM tmcp_receivers WHERE object = ?', object);
		receivers.delete(object);
	}

	/** Returns the objects that can send a change to a client. */
	interestedIn(change: ReportedChange): string[] {
		return [...this.#load().values()]
			.filter(({ interests }) => isInterested(interests, change))
			.map(({ object }) => object);
	}

	#load(): Map<string, RegisteredReceiver> {
		if (this.#receivers) return this.#receivers;
		const rows = hasTable(this.#sql, 'tmcp_receivers')
			? this.#sql.exec<ReceiverRow>('SELECT object, token, since, interests FROM tmcp_receivers')
			: [];
		const receivers = new Map<string, RegisteredReceiver>();
		for (const { interests, ...row } of rows) {
			// Safe because only `set` writes it.
			receivers.set(row.object, { ...row, interests: JSON.parse(interests) as ChangeInterests });
		}
		return (this.#receivers = receivers);
	}
}

const TABLE = `
	CREATE TABLE IF NOT EXISTS tmcp_receivers (
		object TEXT PRIMARY KEY, token TEXT NOT NULL, since INTEGER NOT NULL, interests TEXT NOT NULL
	) WITHOUT ROWID`;

/** Returns whether a table exists that is created when it is needed. */
export function hasTable(sql: SqlStorage, name: string): boolean {
	return sql.exec('SELECT 1 FROM sqlite_master WHERE name = ?', name).toArray().length > 0;
}
