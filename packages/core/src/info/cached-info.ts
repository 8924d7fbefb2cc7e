import { encodeSessionId } from '../ids/encode-session-id.ts';
import { CorruptRecordError, createReporter, TmcpSessionsError } from '../errors.ts';
import type { ErrorReporter } from '../errors.ts';
import { combinedCapabilities } from '../store/store-capabilities.ts';
import type {
	SessionPatch,
	SessionRecord,
	SessionStore,
	StoreCapabilities,
} from '../store/session-store.ts';
import { StoredInfoSessionManager } from './stored-info-session-manager.ts';
import type { StoredInfoOptions } from './stored-info-session-manager.ts';

/**
 * An info manager of two tiers: reads what is near (Workers KV, memory), and asks what is far (a
 * Durable Object, Redis) where near has nothing. A session opened in one place is known in every
 * other at once, although KV may take a minute; its end and a new log level are known elsewhere
 * within the `visibleWithinSeconds` of near. A log level that near could not be told of is known
 * there when the session is next written, once in a tenth of its idle time at the latest. Subscriptions are kept far.
 *
 * @param options as of any stored manager; what is not given is that of the far manager.
 * @throws {TmcpSessionsError} `configuration`, where near is the memory of an isolate without
 * `forgetAfterSeconds`: it would never learn that a session was ended elsewhere.
 */
export function cachedInfo(
	near: StoredInfoSessionManager,
	far: StoredInfoSessionManager,
	options: StoredInfoOptions = {},
): StoredInfoSessionManager {
	const all = { ...far.options, ...options };
	return new StoredInfoSessionManager(
		new CachedSessionStore(near.store, far.store, all.onError),
		all,
	);
}

/** The store behind `cachedInfo`. Far decides; a failure of near is reported and costs a read of far. */
export class CachedSessionStore implements SessionStore {
	readonly capabilities: StoreCapabilities;
	readonly #near: SessionStore;
	readonly #far: SessionStore;
	readonly #report: (cause: unknown) => void;

	/** @param onError told of what fails near. Default: the console. */
	constructor(near: SessionStore, far: SessionStore, onError?: ErrorReporter) {
		const { visibleWithinSeconds, consistency } = near.capabilities;
		if (!Number.isFinite(visibleWithinSeconds)) {
			throw new TmcpSessionsError(
				'configuration',
				'core',
				'a near store must learn within some time that a session was ended elsewhere; found one ' +
					'that never does. Give InMemorySessionStore a number of forgetAfterSeconds.',
			);
		}
		this.#near = near;
		this.#far = far;
		this.#report = createReporter(onError);
		this.capabilities = {
			...combinedCapabilities([near.capabilities, far.capabilities]),
			...(consistency === 'isolate' && { consistency: 'eventual' }),
		};
	}

	async read(id: string): Promise<SessionRecord | undefined> {
		const near = await this.#try(() => this.#near.read(id));
		if (near) return near;
		const far = await this.#far.read(id);
		// The memory of an isolate learns of a session in no other way. What others can read is
		// written once, at `create`: a location that asked for it too early sees it within a minute.
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

	async update(id: string, patch: SessionPatch): Promise<boolean> {
		this.#check(id);
		const isLive = await this.#far.update(id, patch);
		// Near gets all that far has now, which mends what near may have lost before. As an update,
		// since that brings no session back that is being ended.
		const record = isLive ? await this.#far.read(id) : undefined;
		await this.#try(async () => {
			if (record) await this.#near.update(id, record);
			else await this.#near.delete(id);
		});
		return isLive;
	}

	async delete(id: string): Promise<void> {
		this.#check(id);
		// Near first: where that fails nothing has ended, and the caller knows. The other way round an
		// ended session would live on near.
		await this.#near.delete(id);
		await this.#far.delete(id);
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

	/** Far may take an id that near does not. */
	#check(id: string): void {
		encodeSessionId(id, 'core', this.capabilities.maxIdBytes);
	}

	async #try<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
		try {
			return await work();
		} catch (error) {
			if (isOfTheCaller(error)) throw error;
			this.#report(error);
			return undefined;
		}
	}
}

/** A failure that far would answer alike: a bad id, a missing binding. */
function isOfTheCaller(error: unknown): boolean {
	return (
		error instanceof TmcpSessionsError &&
		error.code !== 'store' &&
		!(error instanceof CorruptRecordError)
	);
}
