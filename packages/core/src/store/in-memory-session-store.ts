import { encodeSessionId } from '../ids/encode-session-id.ts';
import { ENDED_SESSION, parseLiveSessionRecord, mergeSessionPatch } from './session-record.ts';
import type {
	SessionPatch,
	SessionRecord,
	SessionStore,
	StoreCapabilities,
} from './session-store.ts';
import type { SingleUse } from '../extensions/single-use.ts';

const PACKAGE = 'core';
const MAX_ID_BYTES = 1024;
/** Entries looked at in each call that adds one: more than one, so that a sweep catches up. */
const SWEEP_STEPS = 4;

/** What is kept of a session: its record as JSON, or `ENDED_SESSION`, until it would have expired. */
export interface StoredSession {
	readonly text: string;
	readonly forgetAtMs: number;
}

/** Settings of `InMemorySessionStore`, for tests. */
export interface InMemorySessionStoreOptions {
	/** Forgets a session so long after it was stored: for use in front of another store. Default: never. */
	readonly forgetAfterSeconds?: number;
	/** The time in milliseconds since the epoch. `Date.now` unless given. */
	readonly now?: () => number;
	/** Where to keep the sessions. A new map unless given. */
	readonly sessions?: Map<string, StoredSession>;
}

/**
 * Keeps sessions in the memory of this isolate: for tests, for one process on Node.js, and for what
 * may be lost. Expired entries are removed bit by bit while new ones come in.
 */
export class InMemorySessionStore implements SessionStore, SingleUse {
	readonly capabilities: StoreCapabilities;
	readonly #forgetAfterMs: number;
	readonly #now: () => number;
	readonly #sessions: Map<string, StoredSession>;
	/** Uri to the sessions that subscribed to it, with the time until which each is kept. */
	readonly #subscribers = new Map<string, Map<string, number>>();
	/** Session to its uris, so that ending it looks at nobody else's. */
	readonly #urisOf = new Map<string, Set<string>>();
	/** Ids that were used, with the time until which each is remembered. */
	readonly #claims = new Map<string, number>();
	#sweep: Iterator<void>;

	constructor({
		forgetAfterSeconds = Infinity,
		now = Date.now,
		sessions = new Map(),
	}: InMemorySessionStoreOptions = {}) {
		this.capabilities = {
			consistency: 'isolate',
			visibleWithinSeconds: forgetAfterSeconds,
			ttlFloorSeconds: 0,
			atomicUpdate: true,
			maxIdBytes: MAX_ID_BYTES,
		};
		this.#forgetAfterMs = Math.ceil(forgetAfterSeconds * 1000);
		this.#now = now;
		this.#sessions = sessions;
		this.#sweep = this.#sweepOnce();
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		check(id);
		return this.#live(id);
	}

	/** A create that comes after the end of the session does not bring it back. */
	async create(id: string, record: SessionRecord): Promise<void> {
		check(id);
		this.#sweepABit();
		if (this.#hasEnded(id)) return;
		this.#hold(id, record, this.#now() + this.#forgetAfterMs);
	}

	async update(id: string, patch: SessionPatch): Promise<boolean> {
		check(id);
		const record = this.#live(id);
		if (!record) return false;
		// What is held for some time only gets no older by a change of one field.
		const untilMs = this.#forgetAfterMs < Infinity ? this.#sessions.get(id)?.forgetAtMs : Infinity;
		this.#hold(id, mergeSessionPatch(record, patch), untilMs);
		return true;
	}

	async delete(id: string): Promise<void> {
		check(id);
		const held = this.#sessions.get(id);
		if (held) this.#sessions.set(id, { text: ENDED_SESSION, forgetAtMs: held.forgetAtMs });
		this.#forgetSubscriptions(id);
	}

	/** A session that has ended subscribes to nothing. */
	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		check(id);
		this.#sweepABit();
		if (this.#hasEnded(id)) return;
		const subscribers = this.#subscribers.get(uri) ?? new Map<string, number>();
		this.#subscribers.set(uri, subscribers.set(id, untilMs));
		const uris = this.#urisOf.get(id) ?? new Set<string>();
		this.#urisOf.set(id, uris.add(uri));
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		check(id);
		this.#forgetSubscription(id, uri);
	}

	async subscribers(uri: string): Promise<string[]> {
		const now = this.#now();
		const subscribers = [...(this.#subscribers.get(uri) ?? [])];
		const isOver = (id: string): boolean => (this.#sessions.get(id)?.forgetAtMs ?? Infinity) <= now;
		return subscribers.filter(([id, untilMs]) => untilMs > now && !isOver(id)).map(([id]) => id);
	}

	/** Of this isolate alone: in another one, the same id is good for one more use. */
	async claim(id: string, untilMs: number): Promise<boolean> {
		this.#sweepABit();
		if (this.#claims.has(id)) return false;
		this.#claims.set(id, untilMs);
		return true;
	}

	#live(id: string): SessionRecord | undefined {
		const held = this.#sessions.get(id);
		if (!held) return undefined;
		const leftMs = held.forgetAtMs - this.#now();
		// More is left than there ever was where the clock was set back.
		const isHeld = leftMs > 0 && leftMs <= this.#forgetAfterMs;
		return isHeld ? parseLiveSessionRecord(held.text, PACKAGE, this.#now()) : undefined;
	}

	// JSON, so that nobody shares an object with the store and nothing survives here that a durable
	// backend would lose.
	#hold(id: string, record: SessionRecord, untilMs = Infinity): void {
		const forgetAtMs = Math.min(record.expiresAtMs, untilMs);
		this.#sessions.set(id, { text: JSON.stringify(record), forgetAtMs });
	}

	#hasEnded(id: string): boolean {
		const held = this.#sessions.get(id);
		return held?.text === ENDED_SESSION && held.forgetAtMs > this.#now();
	}

	#forgetSubscriptions(id: string): void {
		for (const uri of this.#urisOf.get(id) ?? []) this.#forgetSubscription(id, uri);
	}

	#forgetSubscription(id: string, uri: string): void {
		const subscribers = this.#subscribers.get(uri);
		subscribers?.delete(id);
		if (subscribers?.size === 0) this.#subscribers.delete(uri);
		const uris = this.#urisOf.get(id);
		uris?.delete(uri);
		if (uris?.size === 0) this.#urisOf.delete(id);
	}

	#sweepABit(): void {
		for (let step = 0; step < SWEEP_STEPS; step++) {
			if (this.#sweep.next().done) {
				this.#sweep = this.#sweepOnce();
				return;
			}
		}
	}

	// One entry at a step. The iterators of a Map stand what is added and removed between two steps.
	*#sweepOnce(): Generator<void> {
		for (const [id, { forgetAtMs }] of this.#sessions) {
			if (forgetAtMs <= this.#now()) {
				this.#sessions.delete(id);
				this.#forgetSubscriptions(id);
			}
			yield;
		}
		for (const [uri, subscribers] of this.#subscribers) {
			for (const [id, untilMs] of subscribers) {
				if (untilMs <= this.#now()) this.#forgetSubscription(id, uri);
				yield;
			}
		}
		for (const [id, untilMs] of this.#claims) {
			if (untilMs <= this.#now()) this.#claims.delete(id);
			yield;
		}
	}
}

function check(id: string): void {
	encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
}
