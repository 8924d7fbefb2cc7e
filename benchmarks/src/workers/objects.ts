import { HttpTransport } from '@tmcp/transport-http';
import { DurableObject } from 'cloudflare:workers';
import { createServer } from './server.ts';

/** An object that returns a constant or reads one row: the limit of every design with an RPC per call. */
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

/** Runs unmodified tmcp in a session's object, with its managers in memory. */
export class TransportObject extends DurableObject {
	#transport: HttpTransport | undefined;

	override async fetch(request: Request): Promise<Response> {
		const getSessionId = (): string => this.ctx.id.toString();
		this.#transport ??= new HttpTransport(createServer(), { path: '/mcp', getSessionId });
		return (await this.#transport.respond(request)) ?? new Response(null, { status: 404 });
	}
}
