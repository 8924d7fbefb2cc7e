import { encodeSessionId } from '../ids/encode-session-id.ts';
import { StoredInfoSessionManager } from './stored-info-session-manager.ts';
import type { StoredInfoOptions } from './stored-info-session-manager.ts';
import { combinedCapabilities } from '../store/store-capabilities.ts';
import type {
	SessionPatch,
	SessionRecord,
	SessionStore,
	StoreCapabilities,
} from '../store/session-store.ts';

/** Which manager keeps what. One manager may have several parts. */
export interface InfoParts<Part> {
	/** What the client said at `initialize`: written once, read on every request. */
	readonly client: Part;
	/** The log level: written seldom, read on every request. */
	readonly logLevel: Part;
	/** Who subscribed to which resource: read when one changes. */
	readonly subscriptions: Part;
}

/**
 * An info manager that keeps each part where it is kept best: Workers KV for what never changes, a
 * Durable Object for what does. A request reads what keeps the client and the log level, once where
 * that is one manager and else both at the same time; subscriptions are not read for it.
 *
 * Two parts are one manager or keep their sessions apart: each writes a record of its own.
 *
 * @param options as of any stored manager; what is not given is that of the client's manager.
 */
export function splitInfo(
	parts: InfoParts<StoredInfoSessionManager>,
	options: StoredInfoOptions = {},
): StoredInfoSessionManager {
	const { client, logLevel, subscriptions } = parts;
	return new StoredInfoSessionManager(
		new SplitSessionStore({
			client: client.store,
			logLevel: logLevel.store,
			subscriptions: subscriptions.store,
		}),
		{ ...client.options, ...options },
	);
}

/** The store behind `splitInfo`. A session is there as long as all of its parts have it. */
export class SplitSessionStore implements SessionStore {
	readonly capabilities: StoreCapabilities;
	readonly #parts: InfoParts<SessionStore>;
	/** The client's first, each once. */
	readonly #stores: readonly SessionStore[];

	constructor(parts: InfoParts<SessionStore>) {
		this.#parts = parts;
		this.#stores = [...new Set([parts.client, parts.logLevel, parts.subscriptions])];
		this.capabilities = combinedCapabilities(this.#stores.map((store) => store.capabilities));
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		this.#check(id);
		const { client, logLevel } = this.#parts;
		if (client === logLevel) return client.read(id);
		const [said, level] = await Promise.all([client.read(id), logLevel.read(id)]);
		// One of them may not know yet that the session has ended: the other one decides.
		if (!said || !level) return undefined;
		return {
			...said,
			...(level.logLevel && { logLevel: level.logLevel }),
			// Where it was moved in one of them alone, it is moved again.
			expiresAtMs: Math.min(said.expiresAtMs, level.expiresAtMs),
		};
	}

	async create(id: string, record: SessionRecord): Promise<void> {
		this.#check(id);
		const { clientInfo, clientCapabilities, logLevel, ...times } = record;
		await this.#onEach((store) =>
			store.create(id, {
				...times,
				...(store === this.#parts.client && { clientInfo, clientCapabilities }),
				...(store === this.#parts.logLevel && { logLevel }),
			}),
		);
	}

	async update(id: string, patch: SessionPatch): Promise<boolean> {
		this.#check(id);
		const { clientInfo, clientCapabilities, logLevel, expiresAtMs } = patch;
		const change = async (store: SessionStore): Promise<boolean> => {
			const part: SessionPatch = {
				...(expiresAtMs !== undefined && { expiresAtMs }),
				...(store === this.#parts.client && clientInfo && { clientInfo }),
				...(store === this.#parts.client && clientCapabilities && { clientCapabilities }),
				...(store === this.#parts.logLevel && logLevel && { logLevel }),
			};
			return Object.keys(part).length === 0 || (await store.update(id, part));
		};
		// What no request reads comes first: nobody would see that its end was not moved.
		const unread = this.#stores.filter((store) => !this.#isRead(store));
		const read = this.#stores.filter((store) => this.#isRead(store));
		const changed = await Promise.all(unread.map(change));
		changed.push(...(await Promise.all(read.map(change))));
		return changed.every(Boolean) && (hasFields(patch) || (await this.read(id)) !== undefined);
	}

	async delete(id: string): Promise<void> {
		this.#check(id);
		await this.#onEach((store) => store.delete(id));
	}

	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		this.#check(id);
		return this.#parts.subscriptions.subscribe(id, uri, untilMs);
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		this.#check(id);
		return this.#parts.subscriptions.unsubscribe(id, uri);
	}

	subscribers(uri: string): Promise<string[]> {
		return this.#parts.subscriptions.subscribers(uri);
	}

	#isRead(store: SessionStore): boolean {
		return store === this.#parts.client || store === this.#parts.logLevel;
	}

	/** Each part may take longer ids than the others. */
	#check(id: string): void {
		encodeSessionId(id, 'core', this.capabilities.maxIdBytes);
	}

	#onEach<Result>(work: (store: SessionStore) => Promise<Result>): Promise<Result[]> {
		return Promise.all(this.#stores.map(work));
	}
}

function hasFields(patch: SessionPatch): boolean {
	return Object.values(patch).some((value) => value !== undefined);
}
