import { InfoSessionManager } from '@tmcp/session-manager';

import { bindingsOf } from '../cloudflare/binding.ts';
import type { BindingRequirement, BindingUser } from '../cloudflare/binding.ts';
import { CorruptRecordError, createReporter, UnknownSessionError } from '../errors.ts';
import type { ErrorReporter } from '../errors.ts';
import { RequestReadCache } from './request-read-cache.ts';
import type { Field } from './request-read-cache.ts';
import type { SessionAdministration } from '../extensions/session-administration.ts';
import { directoryOf } from '../extensions/session-directory.ts';
import type { SessionDirectory } from '../extensions/session-directory.ts';
import type { SessionExpiry } from '../extensions/session-expiry.ts';
import { stateOf } from '../extensions/state-store.ts';
import type { StateLifetime, StateSource, StateStore } from '../extensions/state-store.ts';
import { rejectUnknownOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { currentScope, keepRequestAlive } from '../request-scope.ts';
import { RequestWriteTracker } from './request-write-tracker.ts';
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
import { channels } from '../telemetry/channels.ts';
import { PendingWrites } from './pending-writes.ts';
import { ownerOf, SessionAdministrator } from './session-administrator.ts';

/** Lifetimes and error reporting of a stored manager. */
export interface StoredInfoOptions {
	/**
	 * A session expires after this time without use. Requests count as use, and so do open streams if
	 * a handler of this family holds them. Default: 24 hours.
	 */
	readonly idleSeconds?: number | undefined;
	/** A session ends this long after it was opened, even if it is used. Default: 30 days. */
	readonly absoluteSeconds?: number | undefined;
	/** Receives failed reads and writes. Default: the console. */
	readonly onError?: ErrorReporter | undefined;
	/** Keeps the platform's request alive for a write if there is no request scope. Default: none. */
	readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
}

/** The names of `StoredInfoOptions`. */
export const STORED_INFO_OPTIONS: OptionNames<StoredInfoOptions> = {
	idleSeconds: 1,
	absoluteSeconds: 1,
	onError: 1,
	waitUntil: 1,
	now: 1,
};

type SessionChange =
	| { readonly kind: 'create'; readonly record: SessionRecord }
	| { readonly kind: 'update'; readonly patch: SessionPatch }
	| { readonly kind: 'delete' };

/** What the setters of one `initialize` have set so far. */
interface InitializeBatch {
	info?: ClientInfo | undefined;
	capabilities?: ClientCapabilities | undefined;
}

/**
 * Implements tmcp's `InfoSessionManager` over any `SessionStore`. It makes one read per request,
 * although a transport calls three getters, and one write per `initialize`. Reads see the writes of
 * their own isolate before the backend has confirmed them.
 *
 * Setters never reject, because transports do not await them: failures are reported to `onError`, and
 * `flush` rejects with them. `delete` is awaited and rejects.
 */
export class StoredInfoSessionManager
	extends InfoSessionManager
	implements SessionExpiry, SessionInfoReader, StateSource, BindingUser
{
	/** Stores the sessions. */
	readonly store: SessionStore;
	/** The options of the constructor, for managers that are composed of this one. */
	readonly options: StoredInfoOptions;
	/** As in `SessionAdministration`. Undefined if the store cannot find sessions without their ids. */
	readonly endSessionsOf: SessionAdministration['endSessionsOf'] | undefined;
	/** As `endSessionsOf`. */
	readonly listSessions: SessionAdministration['listSessions'] | undefined;

	readonly #directory: SessionDirectory | undefined;
	readonly #lifetime: SessionLifetime;
	readonly #report: (cause: unknown) => void;
	readonly #waitUntil: (promise: Promise<unknown>) => void;
	readonly #reads: RequestReadCache;
	readonly #pendingChanges: PendingWrites<SessionChange>;
	readonly #pendingSubscriptions: PendingWrites<{ id: string; subscribed: boolean }>;
	/** The store of the tools' state, once something uses it. */
	#state: StateStore | undefined;
	/** Sessions that `initialize` is opening, until the microtask that stores them in one write. */
	readonly #batches = new Map<string, InitializeBatch>();
	readonly #writes = new RequestWriteTracker();

	constructor(store: SessionStore, options: StoredInfoOptions = {}) {
		super();
		// A subclass has options of its own.
		if (new.target === StoredInfoSessionManager) {
			rejectUnknownOptions(options, STORED_INFO_OPTIONS, 'core', 'StoredInfoSessionManager');
		}
		const now = options.now ?? Date.now;
		this.store = store;
		this.options = options;
		this.#lifetime = new SessionLifetime(now, options.idleSeconds, options.absoluteSeconds);
		this.#report = createReporter(options.onError);
		this.#waitUntil = options.waitUntil ?? (() => {});
		this.#reads = new RequestReadCache(now);
		this.#pendingChanges = new PendingWrites(now);
		this.#pendingSubscriptions = new PendingWrites(now);
		this.#directory = directoryOf(store);
		if (!this.#directory) return;
		const administrator = new SessionAdministrator(this.#directory, (id, untilMs) =>
			this.#end(id, Math.max(untilMs, this.#lifetime.latestExpiryMs())),
		);
		this.endSessionsOf = (principal) => administrator.endSessionsOf(principal);
		this.listSessions = (page) => administrator.listSessions(page);
	}

	/** Returns the bindings of the store. */
	requiredBindings(): readonly BindingRequirement[] {
		return bindingsOf(this.store);
	}

	openState(): StateStore | undefined {
		return (this.#state ??= stateOf(this.store));
	}

	async stateLifetime(id: string): Promise<StateLifetime | undefined> {
		const record = await this.#reads.latest(id, () => this.#load(id));
		return record && this.#lifetime.stateLifetime(record);
	}

	get idleMs(): number {
		return this.#lifetime.idleMs;
	}

	async keepAlive(id: string): Promise<boolean> {
		const stored = await this.#read(id);
		if (!apply(stored, this.#pendingChanges.changes(id))) return false;
		// The stored expiry: a pending write of another request may fail.
		const expiresAtMs = stored && this.#lifetime.extendedExpiryMs(stored);
		return expiresAtMs === undefined || this.#extend(id, expiresAtMs);
	}

	/** Returns the client info, or `undefined` if the session is unknown. */
	override async getClientInfo(id: string): Promise<ClientInfo | undefined> {
		return (await this.#get(id, 'clientInfo'))?.clientInfo;
	}

	/** Returns the client's capabilities, or `undefined` if the session is unknown. */
	override async getClientCapabilities(id: string): Promise<ClientCapabilities | undefined> {
		return (await this.#get(id, 'clientCapabilities'))?.clientCapabilities;
	}

	/** Returns the log level, or `undefined` if the client has set none or the session is unknown. */
	override async getLogLevel(id: string): Promise<LogLevel | undefined> {
		return (await this.#get(id, 'logLevel'))?.logLevel;
	}

	/** Returns what the three getters return, as an alternative to calling them. */
	async getSessionInfo(id: string): Promise<SessionInfo | undefined> {
		const record = await this.#get(id, 'clientCapabilities');
		if (!record) return undefined;
		const { clientInfo, clientCapabilities, logLevel } = record;
		return { clientInfo, clientCapabilities, logLevel };
	}

	/** Opens the session, in one write with the capabilities that are set in the same turn. */
	override setClientInfo(id: string, info: ClientInfo | undefined): void {
		this.#batch(id).info = info;
	}

	/** Opens the session, in one write with the client info that is set in the same turn. */
	override setClientCapabilities(id: string, capabilities: ClientCapabilities | undefined): void {
		this.#batch(id).capabilities = capabilities;
	}

	/** Ignores an invalid level: a record that contains it could not be read again. */
	override setLogLevel(id: string, logLevel: LogLevel | undefined): void {
		if (logLevel !== undefined && !isLogLevel(logLevel)) return;
		this.#reads.forget(id);
		const confirm = this.#pendingChanges.add(id, { kind: 'update', patch: { logLevel } });
		this.#track(id, this.#update(id, { logLevel }, 'set a log level').finally(confirm));
	}

	/**
	 * Returns the sessions that subscribed to a resource. Returns none and reports to `onError` if the
	 * store fails, because transports do not handle a rejection here.
	 */
	override async getSubscriptions(uri: string): Promise<string[]> {
		const subscribers = this.#subscribers(uri);
		keepRequestAlive(subscribers, this.#waitUntil);
		return subscribers;
	}

	override addSubscription(id: string, uri: string): void {
		const confirm = this.#pendingSubscriptions.add(uri, { id, subscribed: true });
		const subscribe = async (): Promise<void> => {
			const record = await this.#reads.latest(id, () => this.#load(id));
			if (!record) throw new UnknownSessionError('core', 'subscribe to a resource');
			await this.store.subscribe(id, uri, this.#lifetime.latestEndMs(record));
		};
		this.#track(id, subscribe().finally(confirm));
	}

	override removeSubscription(id: string, uri: string): void {
		const confirm = this.#pendingSubscriptions.add(uri, { id, subscribed: false });
		const unsubscribe = async (): Promise<void> => this.store.unsubscribe(id, uri);
		this.#track(id, unsubscribe().finally(confirm));
	}

	/** Ends the session everywhere. @throws {StoreError} if the backend cannot be reached. */
	override delete(id: string): Promise<void> {
		return this.#end(id, this.#lifetime.latestExpiryMs());
	}

	/** @param untilMs the latest expiry that a write under way may store. */
	async #end(id: string, untilMs: number): Promise<void> {
		const isObserved = channels.session.hasSubscribers;
		const read = isObserved ? this.#reads.known(id) : undefined;
		this.#reads.forget(id);
		const confirm = this.#pendingChanges.add(id, { kind: 'delete' });
		try {
			// The state first: if that fails, nothing has ended and the caller can retry.
			const deletion = this.#state
				? this.#state.end(id, untilMs).then(() => this.store.delete(id, untilMs))
				: this.store.delete(id, untilMs);
			keepRequestAlive(
				deletion.catch(() => {}),
				this.#waitUntil,
			);
			await deletion;
		} finally {
			confirm();
		}
		if (isObserved) await this.#publishEnd(read);
	}

	async #publishEnd(read: Promise<SessionRecord | undefined> | undefined): Promise<void> {
		const record = await read?.catch(() => undefined); // It was reported when it failed.
		const durationMs = record && this.#lifetime.ageMs(record);
		channels.session.publish({ action: 'ended', durationMs });
	}

	/**
	 * Waits until the backend has confirmed the current request's writes of the session, so that the
	 * response can wait for them. Rejects with the first failure, which `onError` has received too.
	 */
	flush(id: string): Promise<void> {
		return this.#writes.settled(id);
	}

	async #subscribers(uri: string): Promise<string[]> {
		try {
			const ids = new Set(await this.store.subscribers(uri));
			for (const { id, subscribed } of this.#pendingSubscriptions.changes(uri)) {
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

	/** Applies this isolate's pending writes to the stored record. Skips the read if they replace it. */
	async #load(id: string): Promise<SessionRecord | undefined> {
		const before = this.#pendingChanges.changes(id);
		const isReplaced = before.some((change) => change.kind !== 'update');
		const stored = isReplaced ? undefined : await this.#read(id);
		// Includes writes that began during the read.
		const after = this.#pendingChanges.changes(id);
		const changes = before.length > 0 ? [...before, ...after] : after;
		const record = changes.length > 0 ? apply(stored, changes) : stored;
		const expiresAtMs = stored && record && this.#lifetime.extendedExpiryMs(record);
		// Not awaited: `#extend` has reported a failure, and the next request repeats the write.
		if (expiresAtMs !== undefined) this.#extend(id, expiresAtMs).catch(() => {});
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

	/** Moves the expiry of a session in use. Reports a failure, and rejects with it. */
	#extend(id: string, expiresAtMs: number): Promise<boolean> {
		const patch = { expiresAtMs };
		const confirm = this.#pendingChanges.add(id, { kind: 'update', patch });
		const extension = this.store.update(id, patch).finally(confirm);
		if (this.#state?.capabilities.canExtend) {
			const extended = this.#state.extend(id, expiresAtMs).catch(this.#report);
			keepRequestAlive(extended, this.#waitUntil);
		}
		keepRequestAlive(extension.catch(this.#report), this.#waitUntil);
		return extension;
	}

	#batch(id: string): InitializeBatch {
		const open = this.#batches.get(id);
		if (open) return open;
		const batch: InitializeBatch = {};
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

	async #create(id: string, { info, capabilities }: InitializeBatch): Promise<void> {
		const record = this.#lifetime.newRecord({ clientInfo: info, clientCapabilities: capabilities });
		this.#reads.forget(id);
		const confirm = this.#pendingChanges.add(id, { kind: 'create', record });
		try {
			// Both must succeed: a session that its principal does not own could not be ended for it.
			await Promise.all([this.store.create(id, record), this.#addOwner(id, record)]);
		} finally {
			confirm();
		}
		if (channels.session.hasSubscribers) channels.session.publish({ action: 'opened' });
	}

	async #addOwner(id: string, record: SessionRecord): Promise<void> {
		const subject = this.#directory && currentScope()?.subject;
		if (!subject) return;
		const owner = await ownerOf(subject);
		await this.#directory?.addOwner(owner, id, this.#lifetime.latestEndMs(record));
	}

	async #update(id: string, patch: SessionPatch, purpose: string): Promise<void> {
		// Without a scope, nothing delays the response to `initialize`, so the session may not be stored
		// yet. Then write the whole record as this isolate knows it.
		const wasOpening = this.#isOpening(id);
		if (await this.store.update(id, patch)) return;
		const record = this.#isOpening(id)
			? apply(undefined, this.#pendingChanges.changes(id))
			: undefined;
		if (record) await this.store.create(id, record);
		else if (!wasOpening || !(await this.store.update(id, patch))) {
			throw new UnknownSessionError('core', purpose);
		}
	}

	#isOpening(id: string): boolean {
		return this.#pendingChanges.changes(id).some((change) => change.kind === 'create');
	}

	/**
	 * Keeps the request alive for a write, reports its failure and makes `flush` wait for it. That the
	 * session of a request has ended meanwhile is not reported: `flush` rejects, and its client gets a 404.
	 */
	#track(id: string, write: Promise<void>): void {
		const isOfRequest = currentScope() !== undefined;
		const onFailure = (error: unknown): void => {
			if (!isOfRequest || !(error instanceof UnknownSessionError)) this.#report(error);
		};
		keepRequestAlive(this.#writes.add(id, write, onFailure), this.#waitUntil);
	}
}

function apply(
	record: SessionRecord | undefined,
	changes: readonly SessionChange[],
): SessionRecord | undefined {
	return changes.reduce<SessionRecord | undefined>((current, change) => {
		if (change.kind === 'create') return change.record;
		if (change.kind === 'delete') return undefined;
		return current && mergeSessionPatch(current, change.patch);
	}, record);
}

/** The manager of several stores as one. Its options include those of its parts, whatever they are called. */
export class ComposedInfoSessionManager extends StoredInfoSessionManager {}
