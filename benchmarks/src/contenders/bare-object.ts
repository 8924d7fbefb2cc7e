import { DurableObject } from 'cloudflare:workers';

/** The limit of whatever asks an object: one that does nothing, or reads a row. */
export class BareObject extends DurableObject {
	constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
		super(ctx, env);
		ctx.storage.sql.exec(
			'CREATE TABLE IF NOT EXISTS records (id TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID',
		);
	}

	/** Answers a constant. */
	constant(): string {
		return 'constant';
	}

	/** Keeps a row. */
	keep(id: string, text: string): void {
		this.ctx.storage.sql.exec('INSERT INTO records VALUES (?, ?)', id, text);
	}

	/** Reads a row. */
	read(id: string): string | undefined {
		const sql = 'SELECT text FROM records WHERE id = ?';
		return this.ctx.storage.sql.exec<{ text: string }>(sql, id).toArray()[0]?.text;
	}
}
