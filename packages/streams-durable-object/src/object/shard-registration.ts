import { reportToConsole } from '@tmcp-sessions/core';
import { isShardLabel, ownNamespace, ROOT_SHARD } from '@tmcp-sessions/core/internal';

import { createStreamError } from '../stream-error.ts';
import { ROOT_OBJECT_NAME } from '../wire/object-name.ts';
import type { SyncLayerRpc } from '../wire/sync-layer-rpc.ts';

/** Stored as JSON, so that it survives hibernation. */
interface Registration {
	readonly shard: string;
	/** The token of the shard's entry at the root. `undefined` if there is no entry. */
	readonly token?: string | undefined;
	/** Whether the entry is being added or removed, and may be missing. */
	readonly isPending?: boolean | undefined;
}

/**
 * Keeps the object registered at the root while it may have streams or subscriptions. A shard
 * registers before it accepts its first socket, so that no publish misses it.
 */
export class ShardRegistration {
	readonly #state: DurableObjectState;
	readonly #env: object;
	#stored: Registration;
	#registering: Promise<void> | undefined;

	/** @param state its storage has the tables of `openStorage`. */
	constructor(state: DurableObjectState, env: object) {
		this.#state = state;
		this.#env = env;
		this.#stored = this.#load();
	}

	/** The label of the object's shard. It is that of the root until the object registers. */
	get shard(): string {
		return this.#stored.shard;
	}

	/** Whether the root may list this shard. */
	get isListed(): boolean {
		return this.#stored.token !== undefined;
	}

	/**
	 * Registers the shard unless it is registered. Once this has resolved, accept the socket in the same
	 * turn: the shard cannot have been unregistered before that.
	 *
	 * @param label the value of `SHARD_HEADER`; null for the root, which is not registered.
	 * @throws if the root cannot be reached, or the label is invalid.
	 */
	async ensure(label: string | null): Promise<void> {
		if (label === null) return;
		if (!isShardLabel(label) || label === ROOT_SHARD)
			throw new Error(`invalid shard label ${label}`);
		while (this.#stored.token === undefined || this.#stored.isPending) {
			this.#registering ??= this.#register(label).finally(() => (this.#registering = undefined));
			await this.#registering;
		}
	}

	/**
	 * Unregisters the shard. A socket that arrives meanwhile registers it again, under a new token.
	 *
	 * @returns false if the root cannot be reached. This is reported to the console, since an alarm has
	 * no caller.
	 */
	async leave(): Promise<boolean> {
		const { shard, token } = this.#stored;
		if (token === undefined || this.#registering) return true;
		this.#store({ shard, token, isPending: true });
		try {
			await this.#root().removeShard(shard, token);
		} catch (cause) {
			reportToConsole(createStreamError('unregistering a shard', cause));
			return false;
		}
		if (this.#stored.token === token) this.#store({ shard });
		return true;
	}

	async #register(shard: string): Promise<void> {
		const token = crypto.randomUUID();
		// Store the token first, so that an entry whose response is lost can be removed.
		this.#store({ shard, token, isPending: true });
		await this.#root().addShard(shard, token);
		this.#store({ shard, token });
	}

	#root(): DurableObjectStub<SyncLayerRpc> {
		const { id, exports } = this.#state;
		const own = ownNamespace<DurableObjectNamespace<SyncLayerRpc>>(id, exports, this.#env);
		if (own) return own.getByName(ROOT_OBJECT_NAME);
		throw new Error(
			'SyncLayer cannot find its own namespace: the Worker that exports it needs compatibility date ' +
				'2025-11-17 or later, or a binding to it',
		);
	}

	#load(): Registration {
		const [row] = this.#state.storage.sql.exec<{ value: string }>(
			"SELECT value FROM tmcp_meta WHERE key = 'registration'",
		);
		// Safe because only `#store` writes it.
		return row ? (JSON.parse(row.value) as Registration) : { shard: ROOT_SHARD };
	}

	#store(registration: Registration): void {
		this.#stored = registration;
		this.#state.storage.sql.exec(
			"INSERT OR REPLACE INTO tmcp_meta VALUES ('registration', ?)",
			JSON.stringify(registration),
		);
	}
}
