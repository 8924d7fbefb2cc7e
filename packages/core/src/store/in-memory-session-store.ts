import { encodeSessionId } from '../ids/encode-session-id.ts';
import {
	DEFAULT_ENDED_MS,
	ENDED_SESSION,
	isFinal,
	mergeSessionPatch,
	parseLiveSessionRecord,
} from './session-record.ts';
import type {
	SessionPatch,
	SessionRecord,
	SessionStore,
	StoreCapabilities,
} from './session-store.ts';
import type {
	DirectoryPage,
	DirectoryProvider,
	OwnedSession,
	SessionDirectory,
	StoredSessionRecord,
} from '../extensions/session-directory.ts';
import type { StateProvider, StateStore } from '../extensions/state-store.ts';
import type { SingleUse } from '../extensions/single-use.ts';
import { InMemoryStateStore } from './in-memory-state-store.ts';
import { rejectUnknownOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';

const PACKAGE = 'core';
const MAX_ID_BYTES = 1024;
/** Entries checked per added entry. More than one, so that the sweep is faster than the growth. */
const SWEEP_STEPS = 4;

/** A stored session: its record as JSON, or `ENDED_SESSION`, until the session would have expired. */
export interface StoredSession {
	readonly text: string;
	readonly forgetAtMs: number;
}

/** Options of `InMemorySessionStore`. */
export interface InMemorySessionStoreOptions {
	/** Removes a session this long after it was stored: for the near store of `cachedInfo`. Default: never. */
	readonly forgetAfterSeconds?: number;
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: () => number;
	/** The map that stores the sessions. Default: a new one. */
	readonly sessions?: Map<string, StoredSession>;
}

const OPTIONS: OptionNames<InMemorySessionStoreOptions> = {
	forgetAfterSeconds: 1,
	now: 1,
	sessions: 1,
};

/**
 * Stores sessions in the memory of this isolate: for tests, for a single Node.js process and for
 * data that may be lost. Each added entry removes a few expired ones.
 */
export class InMemorySessionStore
	implements SessionStore, SessionDirectory, DirectoryProvider, StateProvider, SingleUse
{
	readonly capabilities: StoreCapabilities;
	readonly #forgetAfterMs: number;
	readonly #now: () => number;
	readonly #sessions: Map<string, StoredSession>;
	/** The sessions that subscribed to each uri, with the expiry of each subscription. */
	readonly #subscribers = new Map<string, Map<string, number>>();
	/** The uris of each session: deleting it visits these and no others. */
	readonly #urisOf = new Map<string, Set<string>>();
	/** The sessions of each owner, with the time until which each is remembered. */
	readonly #owned = new Map<string, Map<string, number>>();
	/** Claimed ids, with the time until which each is remembered. */
	readonly #claims = new Map<string, number>();
	#sweep: Iterator<void>;
	#state: StateStore | undefined;

	constructor(options: InMemorySessionStoreOptions = {}) {
		rejectUnknownOptions(options, OPTIONS, 'core', 'InMemorySessionStore');
		const {
			forgetAfterSeconds = Infinity,
			now = Date.now,
			sessions = new Map<string, StoredSession>(),
		} = options;
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
		this.#sweep = this.#sweepAll();
	}

	get state(): StateStore {
		return (this.#state ??= new InMemoryStateStore(this.#now));
	}

	get directory(): SessionDirectory {
		return this;
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		validate(id);
		return this.#live(id);
	}

	/** Does nothing if the session has ended: a late create must not revive it. */
	async create(id: string, record: SessionRecord): Promise<void> {
		validate(id);
		this.#sweepStep();
		this.#add(id, record);
	}

	async update(id: string, patch: SessionPatch, ifAbsent?: SessionRecord): Promise<boolean> {
		validate(id);
		const record = this.#live(id);
		if (!record) return ifAbsent !== undefined && !this.#stored(id) && this.#add(id, ifAbsent);
		if (record.hasEnded) return false;
		// Updating one field must not extend how long a near copy may be stale.
		const untilMs = this.#forgetAfterMs < Infinity ? this.#sessions.get(id)?.forgetAtMs : Infinity;
		this.#put(id, mergeSessionPatch(record, patch), untilMs);
		return true;
	}

	async delete(id: string, untilMs: number = this.#now() + DEFAULT_ENDED_MS): Promise<void> {
		validate(id);
		this.#sweepStep();
		const markMs = Math.min(untilMs, this.#now() + this.#forgetAfterMs);
		const forgetAtMs = this.#stored(id)?.forgetAtMs ?? markMs;
		this.#sessions.set(id, { text: ENDED_SESSION, forgetAtMs });
		this.#forgetSubscriptions(id);
	}

	/** Does nothing if the session has ended. */
	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		validate(id);
		this.#sweepStep();
		if (this.#hasEnded(id)) return;
		const subscribers = this.#subscribers.get(uri) ?? new Map<string, number>();
		this.#subscribers.set(uri, subscribers.set(id, untilMs));
		const uris = this.#urisOf.get(id) ?? new Set<string>();
		this.#urisOf.set(id, uris.add(uri));
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		validate(id);
		this.#forgetSubscription(id, uri);
	}

	async subscribers(uri: string): Promise<string[]> {
		const now = this.#now();
		const subscribers = [...(this.#subscribers.get(uri) ?? [])];
		const hasExpired = (id: string): boolean =>
			(this.#sessions.get(id)?.forgetAtMs ?? Infinity) <= now;
		return subscribers
			.filter(([id, untilMs]) => untilMs > now && !hasExpired(id))
			.map(([id]) => id);
	}

	/** Claims the id in this isolate only: another isolate can claim it once more. */
	async claim(id: string, untilMs: number): Promise<boolean> {
		this.#sweepStep();
		if (this.#claims.has(id)) return false;
		this.#claims.set(id, untilMs);
		return true;
	}

	async addOwner(owner: string, id: string, untilMs: number): Promise<void> {
		this.#sweepStep();
		const owned = this.#owned.get(owner) ?? new Map<string, number>();
		this.#owned.set(owner, owned.set(id, untilMs));
	}

	async sessionsOf(owner: string): Promise<OwnedSession[]> {
		const now = this.#now();
		return [...(this.#owned.get(owner) ?? [])].flatMap(([id, untilMs]) =>
			untilMs > now ? [{ id, untilMs }] : [],
		);
	}

	async removeOwned(owner: string, ids: readonly string[]): Promise<void> {
		for (const id of ids) this.#forgetOwned(owner, id);
	}

	/** A cursor is the last id of its page. */
	async list(cursor: string | undefined, limit: number): Promise<DirectoryPage> {
		const ids = [...this.#sessions.keys()].filter((id) => cursor === undefined || id > cursor);
		const sessions: StoredSessionRecord[] = [];
		for (const id of ids.toSorted()) {
			const record = this.#listed(id);
			if (!record) continue;
			sessions.push({ id, record });
			if (sessions.length === limit) return { sessions, cursor: id };
		}
		return { sessions, cursor: undefined };
	}

	#listed(id: string): SessionRecord | undefined {
		try {
			return this.#live(id);
		} catch {
			return undefined; // A corrupt record is no session.
		}
	}

	#live(id: string): SessionRecord | undefined {
		const now = this.#now();
		const stored = this.#stored(id, now);
		if (!stored) return undefined;
		// More is left than the maximum if the clock was set back.
		const isCurrent = stored.forgetAtMs - now <= this.#forgetAfterMs;
		return isCurrent ? parseLiveSessionRecord(stored.text, PACKAGE, now) : undefined;
	}

	/** Returns what is stored and not to be removed yet. */
	#stored(id: string, now = this.#now()): StoredSession | undefined {
		const stored = this.#sessions.get(id);
		return stored && stored.forgetAtMs > now ? stored : undefined;
	}

	/** @returns false if the session has ended. */
	#add(id: string, record: SessionRecord): boolean {
		if (this.#hasEnded(id)) return false;
		this.#put(id, record, this.#now() + this.#forgetAfterMs);
		return true;
	}

	// JSON, so that no object is shared with the caller, and no value survives that a durable backend
	// would lose.
	#put(id: string, record: SessionRecord, untilMs = Infinity): void {
		const forgetAtMs = Math.min(record.expiresAtMs, untilMs);
		this.#sessions.set(id, { text: JSON.stringify(record), forgetAtMs });
	}

	#hasEnded(id: string): boolean {
		const stored = this.#stored(id);
		return stored !== undefined && isFinal(stored.text);
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

	#forgetOwned(owner: string, id: string): void {
		const owned = this.#owned.get(owner);
		owned?.delete(id);
		if (owned?.size === 0) this.#owned.delete(owner);
	}

	#sweepStep(): void {
		for (let step = 0; step < SWEEP_STEPS; step++) {
			if (this.#sweep.next().done) {
				this.#sweep = this.#sweepAll();
				return;
			}
		}
	}

	// Yields after each entry. Map iterators tolerate additions and removals between two steps.
	*#sweepAll(): Generator<void> {
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
		for (const [owner, owned] of this.#owned) {
			for (const [id, untilMs] of owned) {
				if (untilMs <= this.#now()) this.#forgetOwned(owner, id);
				yield;
			}
		}
		for (const [id, untilMs] of this.#claims) {
			if (untilMs <= this.#now()) this.#claims.delete(id);
			yield;
		}
	}
}

function validate(id: string): void {
	encodeSessionId(id, PACKAGE, MAX_ID_BYTES);
}
