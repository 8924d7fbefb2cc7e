import { encodeSessionId } from '@tmcp-sessions/core/backend';
import type { StateCapabilities, StateStore, StoredState } from '@tmcp-sessions/core/backend';

import { MAX_ID_BYTES, stateKey } from './kv-keys.ts';
import { MIN_TTL_SECONDS, ttlSeconds } from './kv-ttl.ts';

const PACKAGE = 'info-kv';
/** https://developers.cloudflare.com/kv/platform/limits/ */
const MAX_BYTES = 25 * 1024 * 1024;
/** The text of a state that has ended. Never JSON. */
const ENDED = 'ended';

/** What the state store uses of the store of sessions. */
export interface KVStateDeps {
	/** Returns the namespace, which is resolved at first use. */
	readonly kv: () => KVNamespace;
	readonly now: () => number;
	readonly read: (operation: string, read: () => Promise<string | null>) => Promise<string | null>;
	/** Runs a write, and repeats it if KV limits its rate. */
	readonly write: (operation: string, write: () => Promise<void>) => Promise<void>;
}

/**
 * Stores state in a Workers KV namespace. KV has no conditional write: the last write wins. It cannot move
 * an expiry without writing the value again, which might be an old one.
 */
export class KVStateStore implements StateStore {
	readonly capabilities: StateCapabilities = {
		consistency: 'eventual',
		visibleWithinSeconds: 60,
		ttlFloorSeconds: MIN_TTL_SECONDS,
		maxIdBytes: MAX_ID_BYTES,
		isAtomic: false,
		canExtend: false,
		maxBytes: MAX_BYTES,
	};
	readonly #deps: KVStateDeps;

	constructor(deps: KVStateDeps) {
		this.#deps = deps;
	}

	async read(id: string): Promise<StoredState | 'ended' | undefined> {
		const text = await this.#read(id);
		if (text === null) return undefined;
		return text === ENDED ? ENDED : { text, version: '' };
	}

	async write(
		id: string,
		text: string,
		_version: string | undefined,
		untilMs: number,
	): Promise<true> {
		await this.#put('storing state', id, text, untilMs);
		return true;
	}

	async extend(): Promise<void> {}

	async end(id: string, untilMs: number): Promise<string | undefined> {
		const text = await this.#read(id);
		if (text === ENDED) return undefined;
		await this.#put('removing state', id, ENDED, untilMs);
		return text ?? undefined;
	}

	#read(id: string): Promise<string | null> {
		const key = keyOf(id);
		return this.#deps.read('reading state', () => this.#deps.kv().get(key));
	}

	#put(operation: string, id: string, text: string, untilMs: number): Promise<void> {
		const key = keyOf(id);
		const { kv, now, write } = this.#deps;
		return write(operation, () =>
			kv().put(key, text, { expirationTtl: ttlSeconds(untilMs - now()) }),
		);
	}
}

function keyOf(id: string): string {
	return stateKey(encodeSessionId(id, PACKAGE, MAX_ID_BYTES));
}
