import { objectName } from '@tmcp-sessions/session-object';
import { DurableObject } from 'cloudflare:workers';

import type { CounterSession } from './counter-session.ts';

/** The binding that this file reads. */
declare global {
	namespace Cloudflare {
		interface Env {
			readonly SESSIONS: DurableObjectNamespace<CounterSession>;
		}
	}
}

/** What became of an old object. */
export type Outcome = 'deleted' | 'empty' | 'kept';

/** Where `agents` 0.32 stores the state, as JSON, and the props of an `McpAgent`. */
const STATE = "SELECT state FROM cf_agents_state WHERE id = 'cf_state_row_id'";
const STATE_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'cf_agents_state'";
const PROPS = 'props';

/**
 * Replaces the class of the old objects. It reads their storage without the package `agents`, and
 * runs no schedule.
 */
export class RetiredAgent extends DurableObject {
	/**
	 * Gives the state to the object of the user, and deletes the old object.
	 *
	 * @param user as the access token says. Nothing is read if the old session belongs to another one.
	 */
	async handOver(user: string): Promise<Outcome> {
		const state = this.#state();
		const props = this.ctx.storage.kv.get<{ user?: string }>(PROPS);
		if (!state || props?.user !== user) return 'kept';
		const name = await objectName(identityOf(user));
		await this.env.SESSIONS.getByName(name).adopt(this.ctx.id.toString(), state);
		return this.#delete();
	}

	/**
	 * Deletes the object if it has no state that its user may come back for.
	 *
	 * @param options what to delete: nothing, orphans, or the objects with state too.
	 */
	async retire(options: { readonly mode: 'dry-run' | 'orphans' | 'all' }): Promise<Outcome> {
		if (this.#isEmpty()) return 'empty';
		const { count = 0 } = this.#state() ?? {};
		if (count > 0 && options.mode !== 'all') return 'kept';
		return options.mode === 'dry-run' ? 'deleted' : this.#delete();
	}

	/** What the old class has scheduled is not run. */
	override async alarm(): Promise<void> {}

	async #delete(): Promise<Outcome> {
		await this.ctx.storage.deleteAlarm();
		await this.ctx.storage.deleteAll();
		return 'deleted';
	}

	#isEmpty(): boolean {
		const tables = this.ctx.storage.sql
			.exec<{ name: string }>('SELECT name FROM sqlite_master')
			.toArray();
		return tables.every(({ name }) => name.startsWith('_cf_')) && !this.#hasKeys();
	}

	#hasKeys(): boolean {
		return [...this.ctx.storage.kv.list({ limit: 1 })].length > 0;
	}

	#state(): { readonly count: number } | undefined {
		const { sql } = this.ctx.storage;
		if (sql.exec(STATE_TABLE).toArray().length === 0) return undefined;
		const [row] = sql.exec<{ state: string }>(STATE).toArray();
		// Safe because the old class has written it.
		return row && (JSON.parse(row.state) as { count: number });
	}
}

/** Returns whose sessions share an object. */
export function identityOf(user: string): { workspaceId: string; clientId: string } {
	return { workspaceId: user, clientId: 'any' };
}
