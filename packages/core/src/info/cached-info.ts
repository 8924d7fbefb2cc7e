import { bindingsOf } from '../cloudflare/binding.ts';
import type { BindingRequirement, BindingUser } from '../cloudflare/binding.ts';
import { encodeSessionId } from '../ids/encode-session-id.ts';
import { CorruptRecordError, createReporter, TmcpSessionsError } from '../errors.ts';
import type { ErrorReporter } from '../errors.ts';
import { directoryOf } from '../extensions/session-directory.ts';
import type { DirectoryProvider, SessionDirectory } from '../extensions/session-directory.ts';
import { stateOf } from '../extensions/state-store.ts';
import type { StateProvider, StateStore } from '../extensions/state-store.ts';
import { combineCapabilities } from '../store/store-capabilities.ts';
import type {
	SessionPatch,
	SessionRecord,
	SessionStore,
	StoreCapabilities,
} from '../store/session-store.ts';
import { rejectUnknownOptions } from '../option-names.ts';
import { ComposedInfoSessionManager, STORED_INFO_OPTIONS } from './stored-info-session-manager.ts';
import type { StoredInfoOptions, StoredInfoSessionManager } from './stored-info-session-manager.ts';

/**
 * Creates an info manager of two tiers. It reads `near` (Workers KV, memory) and, if that has no
 * record, `far` (a Durable Object, Redis). A new session is visible everywhere at once, although KV
 * may take a minute. Its end and a new log level are visible elsewhere within the
 * `visibleWithinSeconds` of `near`; an end at the latest after twice that, if something is written
 * meanwhile. A log level that could not be written to `near` is visible there
 * after the next write of the session, at most a tenth of its idle time later. Subscriptions are
 * stored in `far`.
 *
 * @param options as of any stored manager. Default: those of `far`.
 * @throws {TmcpSessionsError} `configuration`, if `near` is the memory of an isolate without
 * `forgetAfterSeconds`: it would never learn that another isolate has ended a session.
 */
export function cachedInfo(
	near: StoredInfoSessionManager,
	far: StoredInfoSessionManager,
	options: StoredInfoOptions = {},
): StoredInfoSessionManager {
	rejectUnknownOptions(options, STORED_INFO_OPTIONS, 'core', 'cachedInfo');
	const all = { ...far.options, ...options };
	return new ComposedInfoSessionManager(
		new CachedSessionStore(near.store, far.store, all.onError),
		all,
	);
}

/** The store of `cachedInfo`. `far` is authoritative; failures of `near` are reported and cost a read of `far`. */
export class CachedSessionStore
	implements SessionStore, DirectoryProvider, StateProvider, BindingUser
{
	readonly capabilities: StoreCapabilities;
	readonly #near: SessionStore;
	readonly #far: SessionStore;
	readonly #report: (cause: unknown) => void;

	/** @param onError receives the failures of `near`. Default: the console. */
	constructor(near: SessionStore, far: SessionStore, onError?: ErrorReporter) {
		const { visibleWithinSeconds, consistency } = near.capabilities;
		if (!Number.isFinite(visibleWithinSeconds)) {
			throw new TmcpSessionsError(
				'configuration',
				'core',
				'cachedInfo needs a near store that notices the end of a session; got one that never ' +
					'does. Set forgetAfterSeconds of InMemorySessionStore.',
			);
		}
		this.#near = near;
		this.#far = far;
		this.#report = createReporter(onError);
		this.capabilities = {
			...combineCapabilities([near.capabilities, far.capabilities]),
			...(consistency === 'isolate' && { consistency: 'eventual' }),
			// What `near` has cached was stale already when it was read.
			visibleWithinSeconds: visibleWithinSeconds + far.capabilities.visibleWithinSeconds,
		};
	}

	get directory(): SessionDirectory | undefined {
		return directoryOf(this.#far);
	}

	get state(): StateStore | undefined {
		return stateOf(this.#far);
	}

	requiredBindings(): readonly BindingRequirement[] {
		return bindingsOf(this.#near, this.#far);
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		const near = await this.#try(() => this.#near.read(id));
		if (near) return near;
		const far = await this.#far.read(id);
		// Only reads fill the memory of an isolate. A shared near store was written at `create`; a
		// location that had cached its absence sees it within a minute.
		if (far && this.#near.capabilities.consistency === 'isolate') {
			await this.#try(() => this.#near.create(id, far));
		}
		return far;
	}

	async create(id: string, record: SessionRecord): Promise<void> {
		this.#check(id);
		await this.#far.create(id, record);
		await this.#try(() => this.#near.create(id, record));
	}

	async update(id: string, patch: SessionPatch, ifAbsent?: SessionRecord): Promise<boolean> {
		this.#check(id);
		// An end is written to `near` first, as in `delete`.
		if (patch.hasEnded) await this.#near.update(id, patch, ifAbsent);
		const isLive = await this.#far.update(id, patch, ifAbsent);
		// Copy the whole record of `far` to `near`, which repairs writes that `near` has lost. Use
		// `update`, because it does not revive a session that is being deleted.
		const record = isLive ? await this.#far.read(id) : undefined;
		await this.#try(async () => {
			if (record) await this.#near.update(id, record, ifAbsent && record);
			else await this.#near.delete(id);
		});
		return isLive;
	}

	async delete(id: string, untilMs?: number): Promise<void> {
		this.#check(id);
		// `near` first: if that fails, nothing has ended and the caller gets the error. In the other
		// order an ended session could stay alive in `near`.
		await this.#near.delete(id, untilMs);
		await this.#far.delete(id, untilMs);
	}

	async subscribe(id: string, uri: string, untilMs: number): Promise<void> {
		this.#check(id);
		return this.#far.subscribe(id, uri, untilMs);
	}

	async unsubscribe(id: string, uri: string): Promise<void> {
		this.#check(id);
		return this.#far.unsubscribe(id, uri);
	}

	subscribers(uri: string): Promise<string[]> {
		return this.#far.subscribers(uri);
	}

	/** `far` may accept ids that `near` rejects. */
	#check(id: string): void {
		encodeSessionId(id, 'core', this.capabilities.maxIdBytes);
	}

	async #try<Result>(run: () => Promise<Result>): Promise<Result | undefined> {
		try {
			return await run();
		} catch (error) {
			if (isCallerError(error)) throw error;
			this.#report(error);
			return undefined;
		}
	}
}

/** Whether `far` would fail in the same way: an invalid id, a missing binding. */
function isCallerError(error: unknown): boolean {
	return (
		error instanceof TmcpSessionsError &&
		error.code !== 'store' &&
		!(error instanceof CorruptRecordError)
	);
}
