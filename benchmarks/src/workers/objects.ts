import { DurableObject } from 'cloudflare:workers';

/** An object that returns a constant, or stores one row for each session. */
export class BareObject extends DurableObject {
	readonly #sql = this.ctx.storage.sql;

	constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
		super(ctx, env);
		this.#sql.exec(
			'CREATE TABLE IF NOT EXISTS records (id TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID',
		);
	}

	constant(): string {
		return 'constant';
	}

	write(id: string, text: string): void {
		this.#sql.exec('INSERT INTO records VALUES (?, ?)', id, text);
	}

	read(id: string): string | null {
		const sql = 'SELECT text FROM records WHERE id = ?';
		return this.#sql.exec<{ text: string }>(sql, id).toArray()[0]?.text ?? null;
	}

	remove(id: string): void {
		this.#sql.exec('DELETE FROM records WHERE id = ?', id);
	}
}
