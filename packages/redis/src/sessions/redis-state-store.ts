import { StoreError } from '@tmcp-sessions/core';
import { encodeSessionId } from '@tmcp-sessions/core/backend';
import type { StateCapabilities, StateStore, StoredState } from '@tmcp-sessions/core/backend';

import type { SessionDatabase } from './session-database.ts';
import { END_STATE, EXTEND_STATE, STATE_WRITTEN, WRITE_STATE } from './scripts.ts';
import type { SessionKeys } from './session-keys.ts';
import { ENDED_FIELDS } from './stored-fields.ts';

const MAX_ID_BYTES = 1024;
/** Upstash accepts requests of 1 MB on its smallest plan. */
const MAX_BYTES = 1_000_000;

/** The parts of a session store that its state store uses. */
export interface RedisStateDeps {
	readonly database: SessionDatabase;
	readonly keys: SessionKeys;
	readonly packageName: string;
	readonly invalidResponse: string;
	/** Returns a time to live in milliseconds. */
	readonly ttl: (untilMs: number) => string;
}

/**
 * Stores state in Redis, as a line with the version and the text behind it. That is never JSON, so that a
 * client that parses its responses leaves it unchanged.
 */
export class RedisStateStore implements StateStore {
	readonly capabilities: StateCapabilities = {
		consistency: 'strong',
		visibleWithinSeconds: 0,
		ttlFloorSeconds: 0,
		maxIdBytes: MAX_ID_BYTES,
		isAtomic: true,
		canExtend: true,
		maxBytes: MAX_BYTES,
	};
	readonly #deps: RedisStateDeps;

	constructor(deps: RedisStateDeps) {
		this.#deps = deps;
	}

	async read(id: string): Promise<StoredState | 'ended' | undefined> {
		const operation = 'reading state';
		const encodedId = this.#encode(id);
		const { database, keys } = this.#deps;
		const stored = await database.read(operation, keys.state(encodedId), encodedId);
		if (stored === null) return undefined;
		return stored === ENDED_FIELDS ? 'ended' : this.#parse(stored, operation);
	}

	/** The new version is chosen here, so that a retry after a lost response recognizes its own write. */
	async write(
		id: string,
		text: string,
		version: string | undefined,
		untilMs: number,
	): Promise<boolean> {
		const args = [version ?? '', crypto.randomUUID(), text, this.#deps.ttl(untilMs)];
		return (await this.#run('storing state', WRITE_STATE, id, args)) === STATE_WRITTEN;
	}

	async extend(id: string, untilMs: number): Promise<void> {
		await this.#run('extending state', EXTEND_STATE, id, [this.#deps.ttl(untilMs)]);
	}

	async end(id: string, untilMs: number): Promise<string | undefined> {
		const operation = 'removing state';
		const stored = await this.#run(operation, END_STATE, id, [this.#deps.ttl(untilMs)]);
		return stored === null ? undefined : this.#parse(stored, operation).text;
	}

	#run(operation: string, script: string, id: string, args: readonly string[]): Promise<unknown> {
		const encodedId = this.#encode(id);
		const { database, keys } = this.#deps;
		return database.run(operation, script, [keys.state(encodedId)], args, encodedId);
	}

	#parse(stored: unknown, operation: string): StoredState {
		const end = typeof stored === 'string' ? stored.indexOf('\n') : -1;
		if (typeof stored === 'string' && end > 0) {
			return { version: stored.slice(0, end), text: stored.slice(end + 1) };
		}
		throw new StoreError(this.#deps.packageName, operation, this.#deps.invalidResponse);
	}

	#encode(id: string): string {
		return encodeSessionId(id, this.#deps.packageName, MAX_ID_BYTES);
	}
}
