import {
	encodeSessionId,
	ENDED_SESSION,
	liveSessionRecord,
	mergeSessionPatch,
} from '@tmcp-sessions/core';
import type {
	SessionPatch,
	SessionRecord,
	SessionStore,
	StoreCapabilities,
} from '@tmcp-sessions/core';

import type { Entries } from './entries.ts';
import { LATE_MS } from './lifetime.ts';
import { PACKAGE } from './package-name.ts';

const MAX_ID_BYTES = 1024;

/** What is kept of a session; none where it has ended. */
interface Kept {
	readonly record: SessionRecord | undefined;
	readonly atMs: number | null;
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
	readonly #now: () => number;
	readonly #onChange: () => void;
	readonly #lateMs: number;
	readonly #known = new Map<string, Kept>();

	/**
	 * @param onChange told when a session was opened, has ended or ends at another time.
	 * @param lateMs how long after its end a session cannot still be there.
	 */
	constructor(entries: Entries, now: () => number, onChange: () => void, lateMs: number = LATE_MS) {
		this.#lateMs = lateMs;
		this.#entries = entries;
		this.#now = now;
		this.#onChange = onChange;
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		return this.#live(check(id));
	}

	/** A create that comes after the end of the session does not bring it back. */
	async create(id: string, record: SessionRecord): Promise<void> {
		if (this.#entries.read('session', check(id)) === ENDED_SESSION) return;
		this.#write(id, JSON.stringify(record), record.expiresAtMs);
	}

	async update(id: string, patch: SessionPatch): Promise<boolean> {
		const record = this.#live(check(id));
		if (!record) return false;
		const merged = mergeSessionPatch(record, patch);
		this.#write(id, JSON.stringify(merged), merged.expiresAtMs);
		return true;
	}

	async delete(id: string): Promise<void> {
		const found = this.#entries.find('session', check(id));
		if (found) this.#write(id, ENDED_SESSION, found.atMs ?? this.#now());
		this.#entries.removeSubscriber(id);
	}

	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		this.#entries.write(`uri:${uri}`, check(id), String(untilMs));
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		this.#entries.remove(`uri:${uri}`, check(id));
	}

	async subscribers(uri: string): Promise<string[]> {
		return this.#entries
			.list(`uri:${uri}`)
			.filter(({ value }) => Number(value) > this.#now())
			.map(({ key }) => key);
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
	 * @param which also those whose time is over, where what was over is not.
	 */
	extend(untilMs: number, which: 'live' | 'expired too'): void {
		const ids =
			which === 'live' ? this.live() : this.#entries.list('session').map(({ key }) => key);
		for (const id of ids) {
			const text = this.#entries.read('session', id);
			const record = liveSessionRecord(text, PACKAGE, 0);
			if (!record || record.expiresAtMs >= untilMs) continue;
			this.#write(id, JSON.stringify({ ...record, expiresAtMs: untilMs }), untilMs);
		}
	}

	/** The storage was emptied, or got other contents. */
	forget(): void {
		this.#known.clear();
	}

	/** Forgets the sessions that have expired, and what they subscribed to. */
	prune(): void {
		for (const { key } of this.#entries.due('session', this.#now())) {
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
		const nowMs = this.#now();
		const isOverlooked = kept.atMs !== null && nowMs - kept.atMs > this.#lateMs;
		return isOverlooked || kept.record.expiresAtMs > nowMs ? kept.record : undefined;
	}

	/** Read once in an instance: nobody else writes it, and each call asks for it. */
	#kept(id: string): Kept | undefined {
		const known = this.#known.get(id);
		if (known) return known;
		const found = this.#entries.find('session', id);
		if (typeof found?.value !== 'string') return undefined;
		const kept = { record: liveSessionRecord(found.value, PACKAGE, 0), atMs: found.atMs };
		this.#known.set(id, kept);
		return kept;
	}

	#write(id: string, text: string, atMs: number): void {
		this.#known.delete(id);
		this.#entries.write('session', id, text, atMs);
		this.#onChange();
	}
}

function check(id: string): string {
	encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
	return id;
}
