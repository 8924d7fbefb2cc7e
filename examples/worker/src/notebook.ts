import { DurableObject } from 'cloudflare:workers';

/** A row of the table; `createdAtMs` is in milliseconds since the epoch. */
export type Note = { id: number; text: string; createdAtMs: number };

/** Stores the notes, for all isolates. */
export class Notebook extends DurableObject {
	constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
		super(ctx, env);
		ctx.storage.sql.exec(
			'CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL, createdAtMs INTEGER NOT NULL)',
		);
	}

	add(text: string): Note {
		return this.#query(
			'INSERT INTO notes (text, createdAtMs) VALUES (?, ?) RETURNING *',
			text,
			Date.now(),
		).one();
	}

	list(): Note[] {
		return this.#query('SELECT * FROM notes ORDER BY id').toArray();
	}

	/** Deletes all notes and returns how many there were. */
	clear(): number {
		return this.#query('DELETE FROM notes RETURNING *').toArray().length;
	}

	#query(sql: string, ...values: (string | number)[]): SqlStorageCursor<Note> {
		return this.ctx.storage.sql.exec<Note>(sql, ...values);
	}
}
