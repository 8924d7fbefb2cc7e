import { encodeSessionId, MAX_ROW_BYTES } from '@tmcp-sessions/core/backend';
import type { StateCapabilities, StateStore, StoredState } from '@tmcp-sessions/core/backend';

import { PACKAGE } from './package-name.ts';
import type { SessionShard } from './session-shard.ts';

/**
 * Calls the object that stores a session, or the state of a handle.
 *
 * @param key the URI encoded id.
 */
export type CallObject = <Result>(
	operation: string,
	key: string,
	method: (object: DurableObjectStub<SessionShard>) => Promise<Result>,
) => Promise<Result>;

/** Stores state in the objects of the sessions. */
export class DurableObjectStateStore implements StateStore {
	readonly capabilities: StateCapabilities;
	readonly #call: CallObject;
	readonly #maxIdBytes: number;

	constructor(call: CallObject, maxIdBytes: number) {
		this.#call = call;
		this.#maxIdBytes = maxIdBytes;
		this.capabilities = {
			consistency: 'strong',
			visibleWithinSeconds: 0,
			ttlFloorSeconds: 0,
			maxIdBytes,
			isAtomic: true,
			canExtend: true,
			maxBytes: MAX_ROW_BYTES,
		};
	}

	async read(id: string): Promise<StoredState | 'ended' | undefined> {
		const key = this.#encode(id);
		const stored = await this.#call('reading state', key, async (object) => object.readState(key));
		return stored ?? undefined;
	}

	/** The new version is chosen here, so that a retry after a lost response recognizes its own write. */
	async write(
		id: string,
		text: string,
		version: string | undefined,
		untilMs: number,
	): Promise<boolean> {
		const key = this.#encode(id);
		const next = { text, version: crypto.randomUUID() };
		return this.#call('storing state', key, async (object) =>
			object.writeState(key, next, version ?? null, untilMs),
		);
	}

	async extend(id: string, untilMs: number): Promise<void> {
		const key = this.#encode(id);
		await this.#call('extending state', key, (object) => object.extendState(key, untilMs));
	}

	async end(id: string, untilMs: number): Promise<string | undefined> {
		const key = this.#encode(id);
		const text = await this.#call('removing state', key, (object) => object.endState(key, untilMs));
		return text ?? undefined;
	}

	#encode(id: string): string {
		return encodeSessionId(id, PACKAGE, this.#maxIdBytes);
	}
}
