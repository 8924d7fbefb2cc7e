import {
	DEFAULT_ENDED_MS,
	encodeSessionId,
	ENDED_SESSION,
	isFinal,
	mergeSessionPatch,
	parseLiveSessionRecord,
} from '@tmcp-sessions/core/backend';
import type {
	SessionPatch,
	SessionRecord,
	SessionStore,
	StateProvider,
	StateStore,
	StoreCapabilities,
} from '@tmcp-sessions/core/backend';

import type { Entries } from './entries.ts';
import { LocalStateStore } from './local-state-store.ts';
import { LATE_ALARM_MS } from './object-alarm.ts';
import { PACKAGE } from '../package-name.ts';

const MAX_ID_BYTES = 1024;

interface StoredSession {
	/** Undefined if the session has ended. */
	readonly record: SessionRecord | undefined;
	/** When the alarm removes the session; null if it is deleted together with its object. */
	readonly dueMs: number | null;
}

interface LocalSessionStoreOptions {
	readonly now: () => number;
	/** Whether the object is deleted with its session, whose expiry time is then the object's. */
	readonly endsWithSession: () => boolean;
	/** Whether a session has an open stream or a call in flight, and so does not expire. */
	readonly isInUse: (id: string) => boolean;
	/** Called when a session was opened or ended, or its expiry time has changed. */
	readonly onChange: (hasEnded: boolean) => void;
	/** Called when the state of a handle was stored, which expires. */
	readonly onStateChange: () => void;
	/** Called when a session has subscribed to a resource, which is confirmed after that. */
	readonly onSubscribe: () => Promise<void> | void;
	/** Called when a session gets fewer changes: it has unsubscribed from a resource, or has ended. */
	readonly onUnsubscribe: () => void;
}

/**
 * Stores the session records of one object in the object's own SQLite database: one record, or one
 * for each session of an identity.
 */
export class LocalSessionStore implements SessionStore, StateProvider {
	readonly capabilities: StoreCapabilities = {
		consistency: 'strong',
		visibleWithinSeconds: 0,
		ttlFloorSeconds: 0,
		atomicUpdate: true,
		maxIdBytes: MAX_ID_BYTES,
	};
	/** The state of the tools. */
	readonly state: StateStore;
	readonly #entries: Entries;
	readonly #options: LocalSessionStoreOptions;
	readonly #cache = new Map<string, StoredSession>();

	constructor(entries: Entries, options: LocalSessionStoreOptions) {
		this.#entries = entries;
		this.#options = options;
		this.state = new LocalStateStore(entries, {
			isSession: (id) => this.#load(id) !== undefined,
			onChange: () => options.onStateChange(),
		});
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		// Hot path: a cached id was checked before.
		return this.#live(this.#cache.has(id) ? id : checkId(id));
	}

	/** Returns whether a session is live. */
	has(id: string): boolean {
		return this.#live(checkId(id)) !== undefined;
	}

	/** Stores a new session. Does nothing if the session has ended already, so that it stays ended. */
	async create(id: string, record: SessionRecord): Promise<void> {
		const stored = this.#entries.read('session', checkId(id));
		if (stored !== undefined && isFinal(stored)) return;
		this.#write(id, record, this.#dueMs(record.expiresAtMs));
	}

	async update(id: string, patch: SessionPatch, ifAbsent?: SessionRecord): Promise<boolean> {
		const record = this.#live(checkId(id));
		if (!record) {
			if (!ifAbsent || this.#load(id)) return false;
			await this.create(id, ifAbsent);
			return true;
		}
		if (record.hasEnded) return false;
		this.#write(id, mergeSessionPatch(record, patch), this.#load(id)?.dueMs ?? null);
		return true;
	}

	async delete(
		id: string,
		untilMs: number = this.#options.now() + DEFAULT_ENDED_MS,
	): Promise<void> {
		const entry = this.#entries.find('session', checkId(id));
		this.#write(id, undefined, entry ? entry.dueMs : this.#dueMs(untilMs));
		this.#entries.removeSubscriber(id);
		this.#options.onUnsubscribe();
	}

	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		this.#entries.write(`uri:${uri}`, checkId(id), String(untilMs));
		await this.#options.onSubscribe();
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		this.#entries.remove(`uri:${uri}`, checkId(id));
		this.#options.onUnsubscribe();
	}

	async subscribers(uri: string): Promise<string[]> {
		return this.subscribersOf(uri);
	}

	/** Does the same as `subscribers`, synchronously. */
	subscribersOf(uri: string): string[] {
		return (
			this.#entries
				.list(`uri:${uri}`)
				// A subscription has no separate expiry time: it ends with its session and is restored with it.
				.filter(({ key }) => this.#live(key) !== undefined)
				.map(({ key }) => key)
		);
	}

	/** Returns the ids of the live sessions. */
	live(): string[] {
		return this.#entries
			.list('session')
			.filter(({ key }) => this.#live(key) !== undefined)
			.map(({ key }) => key);
	}

	/**
	 * Extends sessions so that none of them expires before `untilMs`.
	 *
	 * @param which `in use` selects sessions that are in use, or that are deleted together with their object.
	 */
	extend(untilMs: number, which: 'all' | 'in use'): void {
		for (const { key: id, dueMs } of this.#entries.list('session')) {
			if (which === 'all' || dueMs === null || this.#options.isInUse(id)) {
				this.extendOne(id, untilMs);
			}
		}
	}

	/** Extends a session so that it does not expire before `untilMs`. */
	extendOne(id: string, untilMs: number): void {
		const { record, dueMs } = this.#load(id) ?? {};
		if (!record || record.expiresAtMs >= untilMs) return;
		this.#write(id, { ...record, expiresAtMs: untilMs }, dueMs ?? null);
	}

	/** Restarts the lifetime of all sessions, which then expire at `untilMs`. */
	restart(untilMs: number): void {
		const createdAtMs = this.#options.now();
		for (const { key: id } of this.#entries.list('session')) {
			const { record, dueMs } = this.#load(id) ?? {};
			if (!record) continue;
			this.#write(id, { ...record, createdAtMs, expiresAtMs: untilMs }, dueMs ?? null);
		}
	}

	/** Drops the cached records after the storage was deleted or replaced, or a write was rolled back. */
	invalidate(): void {
		this.#cache.clear();
	}

	/** Removes the expired sessions with their subscriptions and states, and the states of expired handles. */
	prune(): void {
		for (const { key } of this.#entries.due('session', this.#options.now())) {
			this.#cache.delete(key);
			this.#entries.remove('session', key);
			this.#entries.removeSubscriber(key);
			this.#entries.remove('state', key);
		}
		for (const { key } of this.#entries.due('state', this.#options.now())) {
			this.#entries.remove('state', key);
		}
	}

	/**
	 * Returns the record of a live session. The alarm normally removes an expired session within
	 * moments. A session that is still stored an hour later was kept by a clock jump or a delayed
	 * alarm, and stays live until the alarm has run.
	 */
	#live(id: string): SessionRecord | undefined {
		const stored = this.#load(id);
		if (!stored?.record) return undefined;
		const nowMs = this.#options.now();
		if (stored.record.expiresAtMs > nowMs) return stored.record;
		const isOverdue = nowMs - stored.record.expiresAtMs > LATE_ALARM_MS;
		return isOverdue || this.#options.isInUse(id) ? stored.record : undefined;
	}

	/** Caches each record for as long as the instance runs: this store is the only writer. */
	#load(id: string): StoredSession | undefined {
		const cached = this.#cache.get(id);
		if (cached) return cached;
		const entry = this.#entries.find('session', id);
		if (typeof entry?.value !== 'string') return undefined;
		const stored = { record: parseLiveSessionRecord(entry.value, PACKAGE, 0), dueMs: entry.dueMs };
		this.#cache.set(id, stored);
		return stored;
	}

	/** Returns when the alarm removes a session: never, if it is deleted together with its object. */
	#dueMs(expiresAtMs: number): number | null {
		return this.#options.endsWithSession() ? null : expiresAtMs;
	}

	/** @param dueMs null for a session that is deleted together with its object. */
	#write(id: string, record: SessionRecord | undefined, dueMs: number | null): void {
		this.#cache.delete(id);
		const removedMs = dueMs === null ? null : (record?.expiresAtMs ?? dueMs);
		this.#entries.write('session', id, record ? JSON.stringify(record) : ENDED_SESSION, removedMs);
		this.#cache.set(id, { record, dueMs: removedMs });
		this.#options.onChange(record === undefined);
	}
}

function checkId(id: string): string {
	encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
	return id;
}
