import {
	encodeSessionId,
	ENDED_SESSION,
	mergeSessionPatch,
	parseLiveSessionRecord,
} from '@tmcp-sessions/core/backend';
import type {
	SessionPatch,
	SessionRecord,
	SessionStore,
	StoreCapabilities,
} from '@tmcp-sessions/core/backend';

import type { Entries } from './entries.ts';
import { LATE_MS } from '../object/lifetime.ts';
import { PACKAGE } from '../package-name.ts';

const MAX_ID_BYTES = 1024;

/** What is kept of a session; none where it has ended. */
interface Kept {
	readonly record: SessionRecord | undefined;
	/** When it is forgotten; null where it goes with its object. */
	readonly atMs: number | null;
}

/** What the store asks of its object. */
interface LocalSessionStoreParts {
	readonly now: () => number;
	/** Whether the object goes with its session: then that has no end of its own. */
	readonly endsWithSession: () => boolean;
	/** Whether a session has an open stream or a call at work: then its time is not over. */
	readonly isInUse: (id: string) => boolean;
	/** Told when a session was opened, has ended or ends at another time. */
	readonly onChange: () => void;
}

/** The records of an object's sessions, in its own SQLite: one, or those of an identity's clients. */
export class LocalSessionStore implements SessionStore {
	readonly capabilities: StoreCapabilities = {
		consistency: 'strong',
		visibleWithinSeconds: 0,
		ttlFloorSeconds: 0,
		atomicUpdate: true,
		maxIdBytes: MAX_ID_BYTES,
	};
	readonly #entries: Entries;
	readonly #parts: LocalSessionStoreParts;
	readonly #known = new Map<string, Kept>();

	constructor(entries: Entries, parts: LocalSessionStoreParts) {
		this.#entries = entries;
		this.#parts = parts;
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		// One that is known was checked, which would be felt by every call.
		return this.#live(this.#known.has(id) ? id : check(id));
	}

	/** Whether a session is live. */
	has(id: string): boolean {
		return this.#live(check(id)) !== undefined;
	}

	/** A create that comes after the end of the session does not bring it back. */
	async create(id: string, record: SessionRecord): Promise<void> {
		if (this.#entries.read('session', check(id)) === ENDED_SESSION) return;
		const { endsWithSession } = this.#parts;
		this.#write(id, record, endsWithSession() ? null : record.expiresAtMs);
	}

	async update(id: string, patch: SessionPatch): Promise<boolean> {
		const record = this.#live(check(id));
		if (!record) return false;
		this.#write(id, mergeSessionPatch(record, patch), this.#kept(id)?.atMs ?? null);
		return true;
	}

	async delete(id: string): Promise<void> {
		const found = this.#entries.find('session', check(id));
		if (found) this.#write(id, undefined, found.atMs);
		this.#entries.removeSubscriber(id);
	}

	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		this.#entries.write(`uri:${uri}`, check(id), String(untilMs));
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		this.#entries.remove(`uri:${uri}`, check(id));
	}

	async subscribers(uri: string): Promise<string[]> {
		return (
			this.#entries
				.list(`uri:${uri}`)
				// Subscriptions go with their session, and come back with it.
				.filter(({ key }) => this.#live(key) !== undefined)
				.map(({ key }) => key)
		);
	}

	/** The ids of the sessions that are live. */
	live(): string[] {
		return this.#entries
			.list('session')
			.filter(({ key }) => this.#live(key) !== undefined)
			.map(({ key }) => key);
	}

	/**
	 * Sessions end then, and not before.
	 *
	 * @param which all of them, where none could be ended in time. One that goes with its object is used
	 * for as long as that is.
	 */
	extend(untilMs: number, which: 'all' | 'in use'): void {
		for (const { key: id, atMs } of this.#entries.list('session')) {
			if (which === 'all' || atMs === null || this.#parts.isInUse(id)) this.extendOne(id, untilMs);
		}
	}

	/** The session ends then, and not before. */
	extendOne(id: string, untilMs: number): void {
		const { record, atMs } = this.#kept(id) ?? {};
		if (!record || record.expiresAtMs >= untilMs) return;
		this.#write(id, { ...record, expiresAtMs: untilMs }, atMs ?? null);
	}

	/** The time of all sessions begins anew, and ends then. */
	revive(untilMs: number): void {
		const createdAtMs = this.#parts.now();
		for (const { key: id } of this.#entries.list('session')) {
			const { record, atMs } = this.#kept(id) ?? {};
			if (record) this.#write(id, { ...record, createdAtMs, expiresAtMs: untilMs }, atMs ?? null);
		}
	}

	/** The storage was emptied, or got other contents. */
	forget(): void {
		this.#known.clear();
	}

	/** Forgets the sessions that have expired, and what they subscribed to. */
	prune(): void {
		for (const { key } of this.#entries.due('session', this.#parts.now())) {
			this.#known.delete(key);
			this.#entries.remove('session', key);
			this.#entries.removeSubscriber(key);
		}
	}

	/**
	 * The alarm lets go of what expired within moments. What is still there long afterwards was kept
	 * from it by a clock that jumped: it lives until the alarm has looked.
	 */
	#live(id: string): SessionRecord | undefined {
		const kept = this.#kept(id);
		if (!kept?.record) return undefined;
		const nowMs = this.#parts.now();
		if (kept.record.expiresAtMs > nowMs) return kept.record;
		const isOverlooked = nowMs - kept.record.expiresAtMs > LATE_MS;
		return isOverlooked || this.#parts.isInUse(id) ? kept.record : undefined;
	}

	/** Read once in an instance: nobody else writes it, and each call asks for it. */
	#kept(id: string): Kept | undefined {
		const known = this.#known.get(id);
		if (known) return known;
		const found = this.#entries.find('session', id);
		if (typeof found?.value !== 'string') return undefined;
		const kept = { record: parseLiveSessionRecord(found.value, PACKAGE, 0), atMs: found.atMs };
		this.#known.set(id, kept);
		return kept;
	}

	/** @param atMs the end of its record, where it has one of its own. */
	#write(id: string, record: SessionRecord | undefined, atMs: number | null): void {
		this.#known.delete(id);
		const untilMs = atMs === null ? null : (record?.expiresAtMs ?? atMs);
		this.#entries.write('session', id, record ? JSON.stringify(record) : ENDED_SESSION, untilMs);
		this.#parts.onChange();
	}
}

function check(id: string): string {
	encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
	return id;
}
