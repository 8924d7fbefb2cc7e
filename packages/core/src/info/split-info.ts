import { bindingsOf } from '../cloudflare/binding.ts';
import type { BindingRequirement, BindingUser } from '../cloudflare/binding.ts';
import { encodeSessionId } from '../ids/encode-session-id.ts';
import { directoryOf } from '../extensions/session-directory.ts';
import type { DirectoryProvider, SessionDirectory } from '../extensions/session-directory.ts';
import { stateOf } from '../extensions/state-store.ts';
import type { StateProvider, StateStore } from '../extensions/state-store.ts';
import { rejectUnknownOptions } from '../option-names.ts';
import { ComposedInfoSessionManager, STORED_INFO_OPTIONS } from './stored-info-session-manager.ts';
import type { StoredInfoOptions, StoredInfoSessionManager } from './stored-info-session-manager.ts';
import { combineCapabilities } from '../store/store-capabilities.ts';
import type {
	SessionPatch,
	SessionRecord,
	SessionStore,
	StoreCapabilities,
} from '../store/session-store.ts';

/** The manager of each part of the session metadata. One manager may store several parts. */
export interface InfoParts<Part> {
	/** Client info and capabilities: written once, read on every request. */
	readonly client: Part;
	/** The log level: written rarely, read on every request. */
	readonly logLevel: Part;
	/** Resource subscriptions: read when a resource changes. */
	readonly subscriptions: Part;
}

/**
 * Creates an info manager that stores each part in another manager: Workers KV for what never
 * changes, a Durable Object for what does. A request reads the managers of `client` and `logLevel`:
 * once if they are the same, else concurrently. It does not read subscriptions.
 *
 * Two different managers must not share storage, because each writes its own record.
 *
 * @param options as of any stored manager. Default: those of the `client` manager.
 */
export function splitInfo(
	parts: InfoParts<StoredInfoSessionManager>,
	options: StoredInfoOptions = {},
): StoredInfoSessionManager {
	rejectUnknownOptions(options, STORED_INFO_OPTIONS, 'core', 'splitInfo');
	const { client, logLevel, subscriptions } = parts;
	return new ComposedInfoSessionManager(
		new SplitSessionStore({
			client: client.store,
			logLevel: logLevel.store,
			subscriptions: subscriptions.store,
		}),
		{ ...client.options, ...options },
	);
}

/** The store of `splitInfo`. A session exists as long as all of its parts do. */
export class SplitSessionStore
	implements SessionStore, DirectoryProvider, StateProvider, BindingUser
{
	readonly capabilities: StoreCapabilities;
	readonly #parts: InfoParts<SessionStore>;
	/** The distinct stores, that of `client` first. */
	readonly #stores: readonly SessionStore[];

	constructor(parts: InfoParts<SessionStore>) {
		this.#parts = parts;
		this.#stores = [...new Set([parts.client, parts.logLevel, parts.subscriptions])];
		this.capabilities = combineCapabilities(this.#stores.map((store) => store.capabilities));
	}

	/** That of the first part that has one, which has every session. */
	get directory(): SessionDirectory | undefined {
		return this.#stores.map(directoryOf).find((directory) => directory !== undefined);
	}

	/** As `directory`. */
	get state(): StateStore | undefined {
		return this.#stores.map(stateOf).find((state) => state !== undefined);
	}

	requiredBindings(): readonly BindingRequirement[] {
		return bindingsOf(...this.#stores);
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		this.#check(id);
		const { client, logLevel } = this.#parts;
		if (client === logLevel) return client.read(id);
		const [record, level] = await Promise.all([client.read(id), logLevel.read(id)]);
		// An eventually consistent store may not have seen the end of the session yet.
		if (!record || !level) return undefined;
		return {
			...record,
			...(level.logLevel && { logLevel: level.logLevel }),
			// The earlier expiry: if an extension has failed in one store, the next use repeats it.
			expiresAtMs: Math.min(record.expiresAtMs, level.expiresAtMs),
		};
	}

	async create(id: string, record: SessionRecord): Promise<void> {
		this.#check(id);
		await this.#forEachStore((store) => store.create(id, this.#partOf(record, store)));
	}

	async update(id: string, patch: SessionPatch, ifAbsent?: SessionRecord): Promise<boolean> {
		this.#check(id);
		const { clientInfo, clientCapabilities, logLevel, expiresAtMs, hasEnded } = patch;
		const change = async (store: SessionStore): Promise<boolean> => {
			const part: SessionPatch = {
				...(expiresAtMs !== undefined && { expiresAtMs }),
				...(hasEnded !== undefined && { hasEnded }),
				...(store === this.#parts.client && clientInfo && { clientInfo }),
				...(store === this.#parts.client && clientCapabilities && { clientCapabilities }),
				...(store === this.#parts.logLevel && logLevel && { logLevel }),
			};
			if (!ifAbsent && Object.keys(part).length === 0) return true;
			return store.update(id, part, ifAbsent && this.#partOf(ifAbsent, store));
		};
		// Stores that requests do not read come first: a failed extension there must leave the expiry
		// of the others, so that the next use repeats it.
		const unread = this.#stores.filter((store) => !this.#isRead(store));
		const read = this.#stores.filter((store) => this.#isRead(store));
		const changed = await Promise.all(unread.map(change));
		changed.push(...(await Promise.all(read.map(change))));
		return changed.every(Boolean) && (hasFields(patch) || (await this.read(id)) !== undefined);
	}

	async delete(id: string, untilMs?: number): Promise<void> {
		this.#check(id);
		await this.#forEachStore((store) => store.delete(id, untilMs));
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

	/** Returns what a store has of a record. */
	#partOf(record: SessionRecord, store: SessionStore): SessionRecord {
		const { clientInfo, clientCapabilities, logLevel, ...times } = record;
		return {
			...times,
			...(store === this.#parts.client && { clientInfo, clientCapabilities }),
			...(store === this.#parts.logLevel && { logLevel }),
		};
	}

	#isRead(store: SessionStore): boolean {
		return store === this.#parts.client || store === this.#parts.logLevel;
	}

	/** A store may accept longer ids than another one. */
	#check(id: string): void {
		encodeSessionId(id, 'core', this.capabilities.maxIdBytes);
	}

	#forEachStore<Result>(run: (store: SessionStore) => Promise<Result>): Promise<Result[]> {
		return Promise.all(this.#stores.map(run));
	}
}

function hasFields(patch: SessionPatch): boolean {
	return Object.values(patch).some((value) => value !== undefined);
}
