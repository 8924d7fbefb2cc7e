import { reportToConsole, StreamError } from '@tmcp-sessions/core';
import { isShardLabel, ownNamespace, ROOT_SHARD } from '@tmcp-sessions/core/internal';

import { PACKAGE } from '../package-name.ts';
import { objectName } from '../wire/object-name.ts';
import type { SyncLayerRpc } from '../wire/sync-layer-rpc.ts';

/** Kept as JSON, so that an object knows it in its next life. */
interface Registration {
	readonly shard: string;
	/** Of its entry in the list of the root; none where it has none. */
	readonly token?: string | undefined;
	/** Whether the entry may not be there: it is being made or removed. */
	readonly isUnsure?: boolean | undefined;
}

/**
 * What an object knows of its place: which shard it is, and whether the root lists it. A shard is on
 * the list before it has its first stream or listener, so that no publish misses one.
 */
export class ShardRegistration {
	readonly #state: DurableObjectState;
	readonly #env: object;
	#kept: Registration;
	#registering: Promise<void> | undefined;

	constructor(state: DurableObjectState, env: object) {
		this.#state = state;
		this.#env = env;
		this.#kept = this.#read();
	}

	/** The label of the shard that the object is; until it is told, the root's. */
	get shard(): string {
		return this.#kept.shard;
	}

	/** Whether the root may list this one. */
	get isListed(): boolean {
		return this.#kept.token !== undefined;
	}

	/**
	 * Puts the shard on the list, where it is not. Once this has resolved, a socket must be accepted in
	 * the same turn: nothing can have taken the shard off the list before.
	 *
	 * @param label as `SHARD_HEADER` has it; null for the root, which is on no list.
	 * @throws where the root cannot be reached, or the label is none.
	 */
	async ensure(label: string | null): Promise<void> {
		if (label === null) return;
		if (!isShardLabel(label) || label === ROOT_SHARD)
			throw new Error(`no shard is called ${label}`);
		while (this.#kept.token === undefined || this.#kept.isUnsure) {
			this.#registering ??= this.#register(label).finally(() => (this.#registering = undefined));
			await this.#registering;
		}
	}

	/**
	 * Takes the shard off the list. A socket that comes meanwhile puts it back on, under a new token.
	 *
	 * @returns whether nothing is left to do. Nobody waits for an object's alarm: the console is told of
	 * a root that cannot be reached.
	 */
	async leave(): Promise<boolean> {
		const { shard, token } = this.#kept;
		if (token === undefined || this.#registering) return true;
		this.#keep({ shard, token, isUnsure: true });
		try {
			await this.#root().removeShard(shard, token);
		} catch (cause) {
			reportToConsole(new StreamError(PACKAGE, 'taking a shard off the list', cause));
			return false;
		}
		if (this.#kept.token === token) this.#keep({ shard });
		return true;
	}

	async #register(shard: string): Promise<void> {
		const token = crypto.randomUUID();
		// First of all: an entry that was made although nobody was told can be removed.
		this.#keep({ shard, token, isUnsure: true });
		await this.#root().addShard(shard, token);
		this.#keep({ shard, token });
	}

	#root(): DurableObjectStub<SyncLayerRpc> {
		const { id, exports } = this.#state;
		const own = ownNamespace<DurableObjectNamespace<SyncLayerRpc>>(id, exports, this.#env);
		if (own) return own.getByName(objectName(ROOT_SHARD));
		throw new Error(
			'SyncLayer found no way to its own namespace: the Worker that exports it needs a compatibility ' +
				'date of 2025-11-17 or later, or a binding to it',
		);
	}

	#read(): Registration {
		const [row] = this.#state.storage.sql.exec<{ value: string }>(
			"SELECT value FROM tmcp_meta WHERE key = 'registration'",
		);
		// Sound: nothing but `#keep` writes it.
		return row ? (JSON.parse(row.value) as Registration) : { shard: ROOT_SHARD };
	}

	#keep(registration: Registration): void {
		this.#kept = registration;
		const text = JSON.stringify(registration);
		const statement = "INSERT OR REPLACE INTO tmcp_meta VALUES ('registration', ?)";
		this.#state.storage.sql.exec(statement, text);
	}
}
