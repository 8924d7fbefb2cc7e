import { DurableObject } from 'cloudflare:workers';

/** A note. */
export interface Note {
	readonly id: number;
	readonly text: string;
}

/** The notes of one user. */
export class Notebook extends DurableObject {
	readonly #sql: SqlStorage;

	constructor(state: DurableObjectState, env: Cloudflare.Env) {
		super(state, env);
		this.#sql = state.storage.sql;
		this.#sql.exec('CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)');
	}

	/** @returns the id of the new note. */
	add(text: string): number {
		return Number(
			this.#sql.exec('INSERT INTO notes (text) VALUES (?) RETURNING id', text).one()['id'],
		);
	}

	/** Returns the notes after one, in the order of their ids. */
	list(afterId: number, limit: number): Note[] {
		const query = 'SELECT id, text FROM notes WHERE id > ? ORDER BY id LIMIT ?';
		return this.#sql.exec<{ id: number; text: string }>(query, afterId, limit).toArray();
	}

	clear(): void {
		this.#sql.exec('DELETE FROM notes');
	}
}
