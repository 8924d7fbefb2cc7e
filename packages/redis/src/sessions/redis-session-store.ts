import { CorruptRecordError, StoreError } from '@tmcp-sessions/core';
import {
	DEFAULT_ENDED_MS,
	encodeSessionId,
	hashText,
	invalidCursor,
	parseLiveSessionRecord,
} from '@tmcp-sessions/core/backend';
import type {
	DirectoryPage,
	DirectoryProvider,
	OwnedSession,
	SessionDirectory,
	SessionPatch,
	SessionRecord,
	SessionStore,
	SingleUse,
	StateProvider,
	StateStore,
	StoreCapabilities,
	StoredSessionRecord,
} from '@tmcp-sessions/core/backend';
import {
	ADD_OWNER,
	CLAIM,
	CLAIMED,
	CORRUPT,
	CREATE,
	DELETE,
	LIST,
	REMOVE_OWNED,
	SESSIONS_OF,
	SUBSCRIBE,
	SUBSCRIBERS,
	UNSUBSCRIBE,
	UPDATE,
	UPDATED,
} from './scripts.ts';
import type { SessionDatabase } from './session-database.ts';
import { RedisStateStore } from './redis-state-store.ts';
import { storedFieldsToJson, toStoredFields } from './stored-fields.ts';
import { SessionKeys } from './session-keys.ts';

/** The longest id of a session, URI encoded. */
const MAX_ID_BYTES = 1024;

/**
 * The prefix of all keys by default. Its hash tag puts them into one slot, so that a cluster accepts the
 * scripts.
 */
export const DEFAULT_PREFIX = '{tmcp}:';

/** Whose store it is, and its keys. */
export interface RedisSessionStoreOptions {
	/** The package that errors name. */
	readonly packageName: string;
	/** Why a response of another shape is invalid. */
	readonly invalidResponse: string;
	/** The prefix of all keys. Default: `{tmcp}:`. */
	readonly prefix?: string | undefined;
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
}

/**
 * Stores sessions in Redis over any protocol: backends that share a database and a prefix share its
 * sessions. Each operation is one read or one script, and atomic.
 */
export class RedisSessionStore
	implements SessionStore, SessionDirectory, DirectoryProvider, StateProvider, SingleUse
{
	readonly capabilities: StoreCapabilities = {
		consistency: 'strong',
		visibleWithinSeconds: 0,
		ttlFloorSeconds: 0,
		atomicUpdate: true,
		maxIdBytes: MAX_ID_BYTES,
	};
	readonly #database: SessionDatabase;
	readonly #keys: SessionKeys;
	readonly #packageName: string;
	readonly #invalidResponse: string;
	readonly #now: () => number;
	#state: StateStore | undefined;

	constructor(database: SessionDatabase, options: RedisSessionStoreOptions) {
		this.#database = database;
		this.#keys = new SessionKeys(options.prefix ?? DEFAULT_PREFIX);
		this.#packageName = options.packageName;
		this.#invalidResponse = options.invalidResponse;
		this.#now = options.now ?? Date.now;
	}

	get directory(): SessionDirectory {
		return this;
	}

	get state(): StateStore {
		return (this.#state ??= new RedisStateStore({
			database: this.#database,
			keys: this.#keys,
			packageName: this.#packageName,
			invalidResponse: this.#invalidResponse,
			ttl: (untilMs) => this.#ttl(untilMs),
		}));
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		const encodedId = this.#encode(id);
		const key = this.#keys.session(encodedId);
		const stored = await this.#database.read('reading a session', key, encodedId);
		if (stored === null) return undefined;
		return parseLiveSessionRecord(
			storedFieldsToJson(stored, this.#packageName),
			this.#packageName,
			this.#now(),
		);
	}

	/** Stores a new session. An ended session stays ended. */
	async create(id: string, record: SessionRecord): Promise<void> {
		const encodedId = this.#encode(id);
		const args = [toStoredFields(record), this.#ttl(record.expiresAtMs)];
		const keys = [this.#keys.session(encodedId)];
		await this.#script('storing a session', CREATE, keys, args, encodedId);
	}

	async update(id: string, patch: SessionPatch, ifAbsent?: SessionRecord): Promise<boolean> {
		const encodedId = this.#encode(id);
		const absent = ifAbsent
			? [toStoredFields(ifAbsent), this.#ttl(ifAbsent.expiresAtMs)]
			: ['', ''];
		const args = [toStoredFields(patch), String(this.#now()), ...absent];
		const keys = [this.#keys.session(encodedId)];
		const result = await this.#script('updating a session', UPDATE, keys, args, encodedId);
		if (result === CORRUPT) throw new CorruptRecordError(this.#packageName, 'not lines of fields');
		return result === UPDATED;
	}

	async delete(id: string, untilMs: number = this.#now() + DEFAULT_ENDED_MS): Promise<void> {
		const encodedId = this.#encode(id);
		const args = [encodedId, this.#keys.uri(''), this.#ttl(untilMs)];
		const keys = [this.#keys.session(encodedId), this.#keys.own(encodedId)];
		await this.#script('ending a session', DELETE, keys, args, encodedId);
	}

	/** Does nothing if the session has ended. */
	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		const encodedId = this.#encode(id);
		const hash = await hashText(uri);
		const keys = [this.#keys.session(encodedId), this.#keys.uri(hash), this.#keys.own(encodedId)];
		const times = [String(untilMs), this.#ttl(untilMs), String(this.#now())];
		const args = [encodedId, hash, ...times];
		await this.#script('subscribing a session', SUBSCRIBE, keys, args, encodedId);
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		const encodedId = this.#encode(id);
		const hash = await hashText(uri);
		const keys = [this.#keys.uri(hash), this.#keys.own(encodedId)];
		const args = [encodedId, hash];
		await this.#script('ending a subscription', UNSUBSCRIBE, keys, args, encodedId);
	}

	async subscribers(uri: string): Promise<string[]> {
		const keys = [this.#keys.uri(await hashText(uri))];
		const args = [String(this.#now())];
		const members = await this.#script('listing subscribers', SUBSCRIBERS, keys, args);
		if (!Array.isArray(members)) throw this.#invalid('listing subscribers');
		// A client that parses its responses returns a number for the id 123, and null for the id null.
		return members.map((member) => decodeURIComponent(String(member)));
	}

	async addOwner(owner: string, id: string, untilMs: number): Promise<void> {
		const encodedId = this.#encode(id);
		const args = [encodedId, String(untilMs), this.#ttl(untilMs), String(this.#now())];
		const keys = [this.#keys.owner(owner)];
		await this.#script('indexing a session', ADD_OWNER, keys, args, encodedId);
	}

	async sessionsOf(owner: string): Promise<OwnedSession[]> {
		const operation = 'finding the sessions of a principal';
		const args = [String(this.#now())];
		const found = await this.#script(operation, SESSIONS_OF, [this.#keys.owner(owner)], args);
		return this.#pairsOf(found, operation).map(([id, untilMs]) => ({
			id: decodeURIComponent(id),
			untilMs: Number(untilMs),
		}));
	}

	async removeOwned(owner: string, ids: readonly string[]): Promise<void> {
		const keys = [this.#keys.owner(owner)];
		await this.#script(
			'ending the sessions of a principal',
			REMOVE_OWNED,
			keys,
			ids.map((id) => this.#encode(id)),
		);
	}

	/** Scans all keys of the database: a page may have no session. A session may be in two pages. */
	async list(cursor: string | undefined, limit: number): Promise<DirectoryPage> {
		if (cursor !== undefined && !/^\d{1,20}$/.test(cursor)) throw invalidCursor(this.#packageName);
		const operation = 'listing sessions';
		const args = [cursor ?? '0', this.#keys.sessions, String(limit)];
		// The key selects the node of a cluster: all sessions are in its slot.
		const found = await this.#script(operation, LIST, [this.#keys.session('')], args);
		if (!Array.isArray(found)) throw this.#invalid(operation);
		const values: readonly unknown[] = found;
		const [next, ...rest] = values;
		const prefix = this.#keys.session('');
		const sessions = this.#pairsOf(rest, operation).flatMap(
			([key, text]): StoredSessionRecord[] => {
				const record = this.#listed(text);
				return record ? [{ id: decodeURIComponent(key.slice(prefix.length)), record }] : [];
			},
		);
		return { sessions, cursor: String(next) === '0' ? undefined : String(next) };
	}

	#listed(text: string): SessionRecord | undefined {
		try {
			return parseLiveSessionRecord(
				storedFieldsToJson(text, this.#packageName),
				this.#packageName,
				this.#now(),
			);
		} catch {
			return undefined; // A corrupt record is no session.
		}
	}

	/** Each call has its own claimant id, so that a retry by the client is the same claim. */
	async claim(id: string, untilMs: number): Promise<boolean> {
		const args = [crypto.randomUUID(), this.#ttl(untilMs)];
		const result = await this.#script('claiming an id', CLAIM, [this.#keys.claim(id)], args, id);
		if (result !== CLAIMED && result !== 0) throw this.#invalid('claiming an id');
		return result === CLAIMED;
	}

	#ttl(untilMs: number): string {
		return String(Math.max(1, Math.ceil(untilMs - this.#now())));
	}

	#script(
		operation: string,
		script: string,
		keys: readonly string[],
		args: readonly string[],
		encodedId?: string,
	): Promise<unknown> {
		return this.#database.run(operation, script, keys, args, encodedId);
	}

	#encode(id: string): string {
		return encodeSessionId(id, this.#packageName, MAX_ID_BYTES);
	}

	/** Returns a list of alternating names and values as pairs. */
	#pairsOf(list: unknown, operation: string): [string, string][] {
		if (!Array.isArray(list) || list.length % 2 !== 0) throw this.#invalid(operation);
		const pairs: [string, string][] = [];
		for (let index = 0; index < list.length; index += 2) {
			pairs.push([String(list[index]), String(list[index + 1])]);
		}
		return pairs;
	}

	#invalid(operation: string): StoreError {
		return new StoreError(this.#packageName, operation, this.#invalidResponse);
	}
}
