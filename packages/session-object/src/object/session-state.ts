import { StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createReporter } from '@tmcp-sessions/core/backend';
import type { CallEvents } from '@tmcp-sessions/core/backend';

import { dropStaged, restoreStaged, stageArchive } from '../archive/restore-archive.ts';
import { writeArchive } from '../archive/write-archive.ts';
import type { Change } from '../change.ts';
import { ArchiveError } from '../errors.ts';
import { DEFAULT_ARTIFACT_BYTES, StoredArtifacts } from '../features/artifacts.ts';
import { CallJournal } from '../features/call-journal.ts';
import type { ResumeCall } from '../features/call-journal.ts';
import { Schedule } from '../features/schedule.ts';
import type { OnSchedule } from '../features/schedule.ts';
import { authKeys, StoredAuth } from '../features/session-auth.ts';
import type { RefreshAuth } from '../features/session-auth.ts';
import { DEFAULT_CONTEXT_LIMITS, StoredContext } from '../features/session-context.ts';
import type { ContextValues } from '../features/session-context.ts';
import { Entries } from '../storage/entries.ts';
import { LocalSessionStore } from '../storage/local-session-store.ts';
import { ObjectAlarm } from '../storage/object-alarm.ts';
import { DEFAULT_ABSOLUTE_SECONDS, DEFAULT_IDLE_SECONDS, Lifetime } from './lifetime.ts';
import type { ObjectStreams } from './object-streams.ts';
import type { PublishedChanges } from './published-changes.ts';
import type { Session } from './session.ts';
import type { SessionSettings } from './session-settings.ts';

export interface SessionStateOptions<Values extends ContextValues> {
	readonly state: DurableObjectState;
	readonly env: unknown;
	readonly settings: SessionSettings<Values>;
	readonly now: () => number;
	readonly refreshAuth: RefreshAuth | undefined;
	readonly resumeCall: ResumeCall | undefined;
	readonly keepResponse: (session: string, events: CallEvents) => void;
	readonly sendResponse: (session: string, frame: string) => void;
	readonly hasOpenStream: (session: string) => boolean;
	/** See `Session.publish`. */
	readonly publish: (change: Change) => Promise<void>;
	/** Called when a session has subscribed to a resource. */
	readonly onSubscribe: () => Promise<void> | void;
	/** Called when a session gets fewer changes. */
	readonly onUnsubscribe: () => void;
	/** Whether the object is deleted with its session. An identity's object outlives its sessions. */
	readonly endsWithSession: () => boolean;
}

/** After this time the alarm removes what an interrupted restoration has left behind. */
const RESTORE_TIMEOUT_MS = 15 * 60_000;

/** Expiry times closer than this are treated as equal. */
const EXPIRY_PRECISION_MS = 1_000;

/** Owns everything that an object stores, and the lifecycle of that storage. */
export class SessionState<Values extends ContextValues> {
	readonly entries: Entries;
	readonly alarm: ObjectAlarm;
	readonly lifetime: Lifetime;
	readonly store: LocalSessionStore;
	/** The manager of the session metadata, which extends and removes the state of the tools. */
	readonly info: StoredInfoSessionManager;
	readonly calls: CallJournal;
	readonly session: Session<Values>;
	readonly report: (error: unknown) => void;
	readonly #schedule: Schedule;
	readonly #artifacts: StoredArtifacts;
	readonly #options: SessionStateOptions<Values>;
	#isRestoring = false;

	/** @throws {SessionStateError} if a setting is invalid. */
	constructor(options: SessionStateOptions<Values>) {
		const { state, settings, now, resumeCall, keepResponse, sendResponse } = options;
		const { storage } = state;
		const report = createReporter(settings.onError);
		this.#options = options;
		this.report = report;
		this.entries = this.#createEntries(options);
		// An ended object waits only for its deletion: other overdue entries would fire the alarm repeatedly.
		this.alarm = new ObjectAlarm(
			() => this.lifetime.deletionMs ?? this.entries.earliest(),
			storage,
			report,
		);
		this.lifetime = new Lifetime(this.entries, this.alarm, settings.lifetime ?? {}, now, report);
		this.store = new LocalSessionStore(this.entries, {
			now,
			endsWithSession: options.endsWithSession,
			isInUse: (id) => options.hasOpenStream(id) || this.calls.hasCallsOf(id),
			onChange: (hasEnded) => this.#onSessionsChanged(hasEnded),
			onStateChange: () => this.alarm.update(),
			onSubscribe: options.onSubscribe,
			onUnsubscribe: options.onUnsubscribe,
		});
		this.info = new StoredInfoSessionManager(this.store, {
			idleSeconds: settings.lifetime?.idleSeconds ?? DEFAULT_IDLE_SECONDS,
			absoluteSeconds: settings.lifetime?.absoluteSeconds ?? DEFAULT_ABSOLUTE_SECONDS,
			onError: settings.onError,
			now,
		});
		this.calls = new CallJournal(this.entries, this.alarm, {
			resume: resumeCall,
			keepResponse,
			sendResponse,
			now,
			report,
		});
		this.#schedule = new Schedule(this.entries, this.alarm, {
			now,
			report,
			synced: () => storage.sync(),
		});
		const { bucket, artifactBytes: maxBytes = DEFAULT_ARTIFACT_BYTES } = settings;
		const object = state.id.toString();
		this.#artifacts = new StoredArtifacts(this.entries, { bucket, object, maxBytes, report });
		this.session = this.#createSession(object);
	}

	#createEntries({ state, settings }: SessionStateOptions<Values>): Entries {
		const entries = new Entries(
			state.storage,
			() => settings.migrations ?? [],
			// The first write starts the lifetime, since a stateless request opens no session.
			() => this.lifetime.begin(),
		);
		entries.onRollback(() => {
			this.lifetime.invalidate();
			this.alarm.invalidate();
			this.store.invalidate();
		});
		return entries;
	}

	#createSession(objectId: string): Session<Values> {
		const { state, env, settings, now, publish, refreshAuth: refresh } = this.#options;
		const { context = {}, limits } = settings;
		const { calls, entries, info, report } = this;
		const schedule = this.#schedule;
		return {
			objectId,
			context: new StoredContext<Values>(entries, context, {
				...DEFAULT_CONTEXT_LIMITS,
				...limits,
			}),
			auth: new StoredAuth(entries, {
				keys: () => authKeys(settings.authKeys, env),
				objectId,
				refresh,
				now,
			}),
			publish,
			calls,
			state: info,
			artifacts: this.#artifacts,
			get sql() {
				entries.checkOpen();
				return entries.sql;
			},
			waitUntil: (promise) => state.waitUntil(promise.catch(report)),
			schedule: (name, when, payload) => schedule.set(name, when, payload),
			unschedule: (name) => schedule.cancel(name),
		};
	}

	/** Returns whether a session is live. Counts as a use of it. */
	isLive(session: string): boolean {
		if (this.lifetime.hasEnded || !this.store.has(session)) return false;
		this.use(session);
		return true;
	}

	/** Records a use of a session other than a request: its stream was opened, or was open until now. */
	use(session: string): void {
		this.lifetime.touch();
		// Skips the row write if the expiry times differ only because the clock was read twice.
		this.store.extendOne(session, (this.lifetime.endMs ?? 0) - EXPIRY_PRECISION_MS);
	}

	/**
	 * Handles everything that is due: scheduled jobs, expired sessions, and the end of the object.
	 *
	 * @returns whether the object was deleted.
	 */
	async runAlarm(
		onSchedule: OnSchedule | undefined,
		streams: ObjectStreams,
		changes: PublishedChanges | undefined,
	): Promise<boolean> {
		if (await this.#removeInterruptedRestore()) return true;
		if (!this.lifetime.hasEnded) await this.#schedule.run(onSchedule);
		const isInUse = streams.areOpen || this.calls.count > 0;
		const check = this.lifetime.checkExpiry(isInUse);
		if (check === 'ended') return this.#archiveAndDelete(streams, changes);
		if (isInUse) this.lifetime.touch();
		// A session in use must not expire before its object does.
		this.store.extend(this.lifetime.endMs ?? 0, check === 'late' ? 'all' : 'in use');
		this.store.prune();
		this.calls.postponeRecovery();
		await streams.runAlarm(this.#options.now());
		await changes?.reduce();
		return false;
	}

	/**
	 * Restores what the object stored when it expired.
	 *
	 * @returns the number of restored rows.
	 * @throws {ArchiveError} if the archive cannot be restored. Then nothing was changed.
	 */
	async restore(): Promise<number> {
		const { settings, state, now } = this.#options;
		const { bucket } = settings;
		const { storage } = state;
		if (!bucket) {
			throw new ArchiveError('settings.bucket is missing: set it to the bucket of the archive');
		}
		if (this.#isRestoring) {
			throw new ArchiveError('the session is already being restored; wait until that has finished');
		}
		this.#checkIsEmpty();
		this.#isRestoring = true;
		try {
			// If the object is lost during the restoration, the alarm removes the staging table.
			await storage.setAlarm(now() + RESTORE_TIMEOUT_MS);
			const object = state.id.toString();
			await stageArchive(bucket, object, storage);
			this.#checkIsEmpty();
			// In one transaction with everything that can fail, such as the migrations of this deployment.
			const rows = this.entries.atomically(() => {
				const count = restoreStaged(object, storage);
				this.#invalidate();
				this.lifetime.restart();
				this.store.restart(this.lifetime.endMs ?? 0);
				return count;
			});
			state.waitUntil(this.calls.recover());
			return rows;
		} catch (error) {
			dropStaged(storage);
			if (!this.entries.hasData) await this.#deleteAll();
			throw error;
		} finally {
			this.#isRestoring = false;
		}
	}

	/** Removes what an interrupted restoration has left. @returns whether the object is empty now. */
	async #removeInterruptedRestore(): Promise<boolean> {
		const { now, state } = this.#options;
		if (this.#isRestoring) {
			await state.storage.setAlarm(now() + RESTORE_TIMEOUT_MS);
			return false;
		}
		if (!dropStaged(state.storage) || this.entries.hasData) return false;
		await this.#deleteAll();
		return true;
	}

	#checkIsEmpty(): void {
		if (!this.entries.hasData) return;
		throw new ArchiveError(
			'the session is live and was not overwritten; end it before you restore it',
		);
	}

	/** Archives an expired object and deletes its storage. @returns false if that has to be retried. */
	async #archiveAndDelete(
		streams: ObjectStreams,
		changes: PublishedChanges | undefined,
	): Promise<boolean> {
		streams.end();
		await changes?.leave();
		this.entries.close('session');
		const { state, settings, now } = this.#options;
		const { bucket, archive = bucket !== undefined } = settings;
		try {
			if (archive && this.lifetime.endReason === 'expired') {
				const { originMs = 0 } = this.lifetime;
				await this.#artifacts.clear('leftovers');
				this.entries.moveToTable();
				const object = { id: state.id.toString(), originMs };
				await writeArchive(bucket, object, this.entries.sql, now());
			} else {
				await this.#artifacts.clear('all');
			}
		} catch (error) {
			this.report(error);
			this.lifetime.retryEnd();
			return false;
		}
		await this.#deleteAll();
		this.entries.close('all');
		return true;
	}

	/** Deletes all tables and the alarm, so that the object is not billed any more. */
	async #deleteAll(): Promise<void> {
		const { storage } = this.#options.state;
		this.#invalidate();
		await Promise.all([this.alarm.clear(), storage.deleteAll()]);
		this.#invalidate();
	}

	/** Drops everything cached from the storage, which was deleted or replaced. */
	#invalidate(): void {
		this.entries.invalidate();
		this.lifetime.invalidate();
		this.store.invalidate();
	}

	#onSessionsChanged(hasEnded: boolean): void {
		this.lifetime.begin();
		if (hasEnded && this.#options.endsWithSession() && this.store.live().length === 0) {
			this.lifetime.end('by its client');
		}
		this.alarm.update();
	}
}
