import { InfoSessionManager } from '@tmcp/session-manager';

import { CorruptRecordError, createReporter, UnknownSessionError } from '../errors.ts';
import type { ErrorReporter } from '../errors.ts';
import { RequestReads } from './request-reads.ts';
import type { Field } from './request-reads.ts';
import type { SessionExpiry } from '../extensions/session-expiry.ts';
import { keepRequestAlive } from '../request-scope.ts';
import { RequestWrites } from './request-writes.ts';
import { SessionLifetime } from '../store/session-lifetime.ts';
import type { SessionInfo, SessionInfoReader } from '../extensions/session-info.ts';
import { isLogLevel, mergeSessionPatch } from '../store/session-record.ts';
import type {
	ClientCapabilities,
	ClientInfo,
	LogLevel,
	SessionPatch,
	SessionRecord,
	SessionStore,
} from '../store/session-store.ts';
import { UnconfirmedWrites } from './unconfirmed-writes.ts';

/** How long sessions live, and whom to tell. Every field has a default. */
export interface StoredInfoOptions {
	/**
	 * A session ends when it was not used for so long. A request is a use, and so is an open stream,
	 * where a handler of this family holds it. Default: 24 hours.
	 */
	readonly idleSeconds?: number | undefined;
	/** A session ends so long after it was opened, however busy. Default: 30 days. */
	readonly absoluteSeconds?: number | undefined;
	/** Told of each read and write that failed. Default: the console. */
	readonly onError?: ErrorReporter | undefined;
	/** Keeps the platform's request alive for a write, where no request scope does. Default: nothing. */
	readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
}

type Change =
	| { readonly kind: 'create'; readonly record: SessionRecord }
	| { readonly kind: 'update'; readonly patch: SessionPatch }
	| { readonly kind: 'delete' };

interface Batch {
	info?: ClientInfo | undefined;
	capabilities?: ClientCapabilities | undefined;
}

/**
 * tmcp's `InfoSessionManager` over any `SessionStore`: one read for each request although a
 * transport asks three times, one write for each `initialize`, and its own writes are seen before
 * the backend has confirmed them.
 *
 * The transport does not await the setters, so they never reject: what fails reaches `onError`, and
 * `flush` tells a caller that wants to know. `delete` is awaited and rejects.
 */
export class StoredInfoSessionManager
	extends InfoSessionManager
	implements SessionExpiry, SessionInfoReader
{
	/** Where the sessions are kept. */
	readonly store: SessionStore;
	/** What it was made with, for a manager that is built on this one. */
	readonly options: StoredInfoOptions;

	readonly #lifetime: SessionLifetime;
	readonly #report: (cause: unknown) => void;
	readonly #waitUntil: (work: Promise<unknown>) => void;
	readonly #reads: RequestReads;
	readonly #writes: UnconfirmedWrites<Change>;
	readonly #subscriptions: UnconfirmedWrites<{ id: string; subscribed: boolean }>;
	/** What `initialize` has set so far, until the microtask that stores it as one write. */
	readonly #batches = new Map<string, Batch>();
	readonly #requestWrites = new RequestWrites();

	constructor(store: SessionStore, options: StoredInfoOptions = {}) {
		super();
		const now = options.now ?? Date.now;
		this.store = store;
		this.options = options;
		this.#lifetime = new SessionLifetime(now, options.idleSeconds, options.absoluteSeconds);
		this.#report = createReporter(options.onError);
		this.#waitUntil = options.waitUntil ?? (() => {});
		this.#reads = new RequestReads(now);
		this.#writes = new UnconfirmedWrites(now);
		this.#subscriptions = new UnconfirmedWrites(now);
	}

	get idleMs(): number {
		return this.#lifetime.idleMs;
	}

	/** What the client said of itself; `undefined` where the session is unknown. */
	override async getClientInfo(id: string): Promise<ClientInfo | undefined> {
		return (await this.#get(id, 'clientInfo'))?.clientInfo;
	}

	/** What the client declared; `undefined` where the session is unknown. */
	override async getClientCapabilities(id: string): Promise<ClientCapabilities | undefined> {
		return (await this.#get(id, 'clientCapabilities'))?.clientCapabilities;
	}

	/** The level that the client set; `undefined` where it set none or the session is unknown. */
	override async getLogLevel(id: string): Promise<LogLevel | undefined> {
		return (await this.#get(id, 'logLevel'))?.logLevel;
	}

	/** What the three getters say; a transport that asks for it asks for none of them. */
	async getSessionInfo(id: string): Promise<SessionInfo | undefined> {
		const record = await this.#get(id, 'clientCapabilities');
		if (!record) return undefined;
		const { clientInfo, clientCapabilities, logLevel } = record;
		return { clientInfo, clientCapabilities, logLevel };
	}

	/** Opens the session, in one write together with the capabilities set in the same turn. */
	override setClientInfo(id: string, info: ClientInfo | undefined): void {
		this.#batch(id).info = info;
	}

	/** Opens the session, in one write together with the client info set in the same turn. */
	override setClientCapabilities(id: string, capabilities: ClientCapabilities | undefined): void {
		this.#batch(id).capabilities = capabilities;
	}

	/** A level that is none is not stored, since the record could not be read again. */
	override setLogLevel(id: string, logLevel: LogLevel | undefined): void {
		if (logLevel !== undefined && !isLogLevel(logLevel)) return;
		this.#reads.forget(id);
		const confirm = this.#writes.add(id, { kind: 'update', patch: { logLevel } });
		this.#track(id, this.#update(id, { logLevel }, 'set a log level').finally(confirm));
	}

	/**
	 * The sessions to tell of a change of this resource. None where the store fails: the transport
	 * handles no rejection here, so that goes to `onError`.
	 */
	override async getSubscriptions(uri: string): Promise<string[]> {
		const reading = this.#subscribers(uri);
		keepRequestAlive(reading, this.#waitUntil);
		return reading;
	}

	override addSubscription(id: string, uri: string): void {
		const confirm = this.#subscriptions.add(uri, { id, subscribed: true });
		const subscribe = async (): Promise<void> => {
			const record = await this.#reads.latest(id, () => this.#load(id));
			if (!record) throw new UnknownSessionError('core', 'subscribe to a resource');
			await this.store.subscribe(id, uri, this.#lifetime.endsAtMs(record));
		};
		this.#track(id, subscribe().finally(confirm));
	}

	override removeSubscription(id: string, uri: string): void {
		const confirm = this.#subscriptions.add(uri, { id, subscribed: false });
		const unsubscribe = async (): Promise<void> => this.store.unsubscribe(id, uri);
		this.#track(id, unsubscribe().finally(confirm));
	}

	/** Ends the session everywhere. @throws {StoreError} where the backend could not be told. */
	override async delete(id: string): Promise<void> {
		this.#reads.forget(id);
		const confirm = this.#writes.add(id, { kind: 'delete' });
		try {
			const ending = this.store.delete(id);
			keepRequestAlive(
				ending.catch(() => {}),
				this.#waitUntil,
			);
			await ending;
		} finally {
			confirm();
		}
	}

	/**
	 * Waits until the backend has confirmed what this request wrote of the session, so that an answer
	 * can be held back until then. Rejects with the first failure, which `onError` was told of too.
	 */
	async flush(id: string): Promise<void> {
		await this.#requestWrites.settled(id);
	}

	async #subscribers(uri: string): Promise<string[]> {
		try {
			const ids = new Set(await this.store.subscribers(uri));
			for (const { id, subscribed } of this.#subscriptions.changes(uri)) {
				if (subscribed) ids.add(id);
				else ids.delete(id);
			}
			return [...ids];
		} catch (error) {
			this.#report(error);
			return [];
		}
	}

	#get(id: string, field: Field): Promise<SessionRecord | undefined> {
		return this.#reads.get(id, field, () => this.#load(id));
	}

	/** The record with this isolate's own writes, from the store unless they say it all. */
	async #load(id: string): Promise<SessionRecord | undefined> {
		const before = this.#writes.changes(id);
		const known = before.findLast((change) => change.kind !== 'update');
		const stored = known ? undefined : await this.#read(id);
		// A write that began during the read counts too.
		const after = this.#writes.changes(id);
		const changes = before.length > 0 ? [...before, ...after] : after;
		const record = changes.length > 0 ? apply(stored, changes) : stored;
		if (stored && record) this.#extend(id, record);
		return record;
	}

	async #read(id: string): Promise<SessionRecord | undefined> {
		try {
			return await this.store.read(id);
		} catch (error) {
			this.#report(error);
			if (error instanceof CorruptRecordError) return undefined;
			throw error;
		}
	}

	/** Moves the end of a session that is in use, once in a tenth of its idle time. */
	#extend(id: string, record: SessionRecord): void {
		const expiresAtMs = this.#lifetime.extended(record);
		if (expiresAtMs === undefined) return;
		const confirm = this.#writes.add(id, { kind: 'update', patch: { expiresAtMs } });
		const extending = this.store.update(id, { expiresAtMs }).then(() => {}, this.#report);
		keepRequestAlive(extending.finally(confirm), this.#waitUntil);
	}

	#batch(id: string): Batch {
		const open = this.#batches.get(id);
		if (open) return open;
		const batch: Batch = {};
		this.#batches.set(id, batch);
		this.#track(
			id,
			Promise.resolve().then(() => {
				this.#batches.delete(id);
				return this.#create(id, batch);
			}),
		);
		return batch;
	}

	async #create(id: string, { info, capabilities }: Batch): Promise<void> {
		const record = this.#lifetime.opened({ clientInfo: info, clientCapabilities: capabilities });
		this.#reads.forget(id);
		const confirm = this.#writes.add(id, { kind: 'create', record });
		try {
			await this.store.create(id, record);
		} finally {
			confirm();
		}
	}

	async #update(id: string, patch: SessionPatch, purpose: string): Promise<void> {
		// Without a scope nothing holds back the answer to `initialize`: the session may still be on
		// its way to the store. Then the whole record is written, as this isolate knows it.
		const wasOpening = this.#isOpening(id);
		if (await this.store.update(id, patch)) return;
		const record = this.#isOpening(id) ? apply(undefined, this.#writes.changes(id)) : undefined;
		if (record) await this.store.create(id, record);
		else if (!wasOpening || !(await this.store.update(id, patch))) {
			throw new UnknownSessionError('core', purpose);
		}
	}

	#isOpening(id: string): boolean {
		return this.#writes.changes(id).some((change) => change.kind === 'create');
	}

	/** Ties a write to its request, reports its failure and lets `flush` wait for it. */
	#track(id: string, write: Promise<void>): void {
		keepRequestAlive(this.#requestWrites.add(id, write, this.#report), this.#waitUntil);
	}
}

function apply(
	record: SessionRecord | undefined,
	changes: readonly Change[],
): SessionRecord | undefined {
	return changes.reduce<SessionRecord | undefined>((current, change) => {
		if (change.kind === 'create') return change.record;
		if (change.kind === 'delete') return undefined;
		return current && mergeSessionPatch(current, change.patch);
	}, record);
}
