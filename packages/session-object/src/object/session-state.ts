import { createReporter } from '@tmcp-sessions/core/backend';
import type { CallEvents } from '@tmcp-sessions/core/backend';

import { archive } from '../archive/archive.ts';
import { ArchiveError } from '../errors.ts';
import { dropStaged, restoreStaged, stage } from '../archive/restore.ts';
import { DEFAULT_ARTIFACT_BYTES, StoredArtifacts } from '../features/artifacts.ts';
import { CallJournal } from '../features/call-journal.ts';
import type { ResumeCall } from '../features/call-journal.ts';
import { Entries } from '../storage/entries.ts';
import { Lifetime } from './lifetime.ts';
import { LocalSessionStore } from '../storage/local-session-store.ts';
import { ObjectAlarm } from './object-alarm.ts';
import type { ObjectStreams } from './object-streams.ts';
import { Schedule } from '../features/schedule.ts';
import type { OnSchedule } from '../features/schedule.ts';
import type { Session } from './session.ts';
import { authKeys, StoredAuth } from '../features/session-auth.ts';
import type { RefreshAuth } from '../features/session-auth.ts';
import { DEFAULT_CONTEXT_LIMITS, StoredContext } from '../features/session-context.ts';
import type { ContextValues } from '../features/session-context.ts';
import type { SessionSettings } from './session-settings.ts';

/** What the state of a session is made with. */
export interface StateOptions<Values extends ContextValues> {
	readonly state: DurableObjectState;
	readonly env: unknown;
	readonly settings: SessionSettings<Values>;
	readonly now: () => number;
	readonly refreshAuth: RefreshAuth | undefined;
	readonly resumeCall: ResumeCall | undefined;
	readonly keepCall: (session: string, events: CallEvents) => void;
	readonly sayAnswer: (session: string, frame: string) => void;
	readonly hasStream: (session: string) => boolean;
	/** Whether the object goes with its session, or outlives it as an identity's does. */
	readonly endsWithSession: () => boolean;
}

/** What a restoration that was cut off has left is let go of after this time. */
const RESTORING_MS = 15 * 60_000;

/** Ends are the same that differ by no more. */
const ALIKE_MS = 1_000;

/** All that an object keeps of its session, and what looks after it. */
export class SessionState<Values extends ContextValues> {
	readonly entries: Entries;
	readonly alarm: ObjectAlarm;
	readonly lifetime: Lifetime;
	readonly store: LocalSessionStore;
	readonly calls: CallJournal;
	readonly schedule: Schedule;
	readonly session: Session<Values>;
	readonly report: (error: unknown) => void;
	readonly #artifacts: StoredArtifacts;
	readonly #options: StateOptions<Values>;
	#isRestoring = false;

	/** @throws {SessionStateError} for settings that cannot be. */
	constructor(options: StateOptions<Values>) {
		const { state, env, settings, now, resumeCall: resume, refreshAuth: refresh } = options;
		const { storage } = state;
		const object = state.id.toString();
		this.#options = options;
		const report = createReporter(settings.onError);
		this.report = report;
		this.entries = this.#entries(options);
		this.alarm = this.#alarm(storage);
		this.lifetime = new Lifetime(this.entries, this.alarm, settings.lifetime ?? {}, now, report);
		this.store = new LocalSessionStore(this.entries, {
			now,
			endsWithSession: options.endsWithSession,
			isInUse: (id) => options.hasStream(id) || this.calls.hasCallsOf(id),
			onChange: () => this.#sessionsChanged(),
		});
		this.calls = new CallJournal(this.entries, this.alarm, {
			...{ resume, now, report, keep: options.keepCall, say: options.sayAnswer },
		});
		this.schedule = new Schedule(this.entries, this.alarm, {
			...{ now, report, stored: () => storage.sync() },
		});
		const { context = {}, limits, bucket, artifactBytes = DEFAULT_ARTIFACT_BYTES } = settings;
		this.#artifacts = new StoredArtifacts(this.entries, {
			bucket,
			object,
			maxBytes: artifactBytes,
			report,
		});
		const { calls, entries, schedule } = this;
		this.session = {
			objectId: object,
			context: new StoredContext<Values>(entries, context, {
				...DEFAULT_CONTEXT_LIMITS,
				...limits,
			}),
			auth: new StoredAuth(entries, {
				...{ boundTo: object, refresh, now, keys: () => authKeys(settings.authKeys, env) },
			}),
			calls,
			artifacts: this.#artifacts,
			get sql() {
				entries.checkOpen();
				return entries.sql;
			},
			waitUntil: (work) => state.waitUntil(work.catch(report)),
			schedule: (name, when, payload) => schedule.set(name, when, payload),
			unschedule: (name) => schedule.cancel(name),
		};
	}

	#entries({ state, settings }: StateOptions<Values>): Entries {
		return new Entries(
			state.storage,
			() => settings.migrations ?? [],
			// Whoever wrote first: a request of the stateless era opens no session.
			() => this.lifetime.begin(),
			() => {
				this.lifetime.forget();
				this.alarm.forget();
			},
		);
	}

	/** Once it has ended nothing else is seen to: what is overdue would set it off again and again. */
	#alarm(storage: DurableObjectStorage): ObjectAlarm {
		const earliest = (): number | undefined => this.lifetime.emptiedMs ?? this.entries.earliest();
		return new ObjectAlarm(earliest, storage, this.report);
	}

	/** Whether a session is live here, which is used by whoever asks. */
	isLive(session: string): boolean {
		if (this.lifetime.hasEnded || !this.store.has(session)) return false;
		this.use(session);
		return true;
	}

	/** A session was used otherwise than by a call: its stream was opened, or open until now. */
	use(session: string): void {
		this.lifetime.touch();
		// A row, where the ends differ by more than two looks at the clock do.
		this.store.extendOne(session, (this.lifetime.endMs ?? 0) - ALIKE_MS);
	}

	/**
	 * Does what is due: what was scheduled, what expired, and the end of all.
	 *
	 * @returns whether the object was emptied.
	 */
	async runAlarm(onSchedule: OnSchedule | undefined, streams: ObjectStreams): Promise<boolean> {
		if (await this.#removedRestoration()) return true;
		if (!this.lifetime.hasEnded) await this.schedule.run(onSchedule);
		const isInUse = streams.areOpen || this.calls.count > 0;
		const verdict = this.lifetime.judge(isInUse);
		if (verdict === 'ended') {
			if (await this.#finish(streams)) return true;
		} else {
			if (isInUse) this.lifetime.touch();
			// No session that is in use ends before its object.
			this.store.extend(this.lifetime.endMs ?? 0, verdict === 'held up' ? 'all' : 'in use');
			this.store.prune();
			this.calls.check();
			await streams.runAlarm(this.#options.now());
		}
		return false;
	}

	/**
	 * Brings back what the object had when it expired.
	 *
	 * @returns how many rows.
	 * @throws {ArchiveError} where it cannot be, and nothing was changed.
	 */
	async restore(): Promise<number> {
		const { settings, state, now } = this.#options;
		const { bucket } = settings;
		const { storage } = state;
		if (!bucket) {
			throw new ArchiveError('settings.bucket is missing: set it to the bucket of the archive');
		}
		if (this.#isRestoring)
			throw new ArchiveError('the session is being restored already; wait for it');
		this.#checkIsEmpty();
		this.#isRestoring = true;
		try {
			// Should the object be lost meanwhile, it comes back to clean up.
			await storage.setAlarm(now() + RESTORING_MS);
			const object = state.id.toString();
			await stage(bucket, object, storage);
			this.#checkIsEmpty();
			// With all that a deployment may find wrong with what it was: all of it or nothing.
			const rows = this.entries.atomically(() => {
				const count = restoreStaged(object, storage);
				this.forget();
				this.lifetime.revive();
				this.store.revive(this.lifetime.endMs ?? 0);
				return count;
			});
			state.waitUntil(this.calls.recover());
			return rows;
		} catch (error) {
			dropStaged(storage);
			if (!this.entries.exist) await this.empty();
			throw error;
		} finally {
			this.#isRestoring = false;
		}
	}

	/** Removes what a restoration has left that was cut off. @returns whether there was nothing else. */
	async #removedRestoration(): Promise<boolean> {
		const { now, state } = this.#options;
		if (this.#isRestoring) {
			await state.storage.setAlarm(now() + RESTORING_MS);
			return false;
		}
		if (!dropStaged(state.storage) || this.entries.exist) return false;
		await this.empty();
		return true;
	}

	#checkIsEmpty(): void {
		if (!this.entries.exist) return;
		throw new ArchiveError('the session is live: nothing was restored over it; end it before');
	}

	/** Archives what an expired object keeps, and deletes it. What fails is tried again later. */
	async #finish(streams: ObjectStreams): Promise<boolean> {
		streams.end();
		this.entries.close('session');
		const { state, settings, now } = this.#options;
		const { bucket, archive: isArchived = bucket !== undefined } = settings;
		try {
			if (isArchived && this.lifetime.current?.ended === 'expired') {
				const { originMs = 0 } = this.lifetime;
				await this.#artifacts.clear('leftovers');
				const object = { id: state.id.toString(), originMs };
				await archive(bucket, object, this.entries.sql, now());
			} else {
				await this.#artifacts.clear('all');
			}
		} catch (error) {
			this.report(error);
			this.lifetime.retryEnd();
			return false;
		}
		await this.empty();
		this.entries.close('all');
		return true;
	}

	/** Leaves nothing behind: no table, no alarm, nothing that is billed. */
	async empty(): Promise<void> {
		const { storage } = this.#options.state;
		this.forget();
		await Promise.all([this.alarm.clear(), storage.deleteAll()]);
		this.forget();
	}

	/** What was read of the storage counts no more: it has other contents. */
	forget(): void {
		this.entries.forget();
		this.lifetime.forget();
		this.store.forget();
	}

	#sessionsChanged(): void {
		this.lifetime.begin();
		if (this.#options.endsWithSession() && this.store.live().length === 0) {
			this.lifetime.end('by its client');
		}
		this.alarm.update();
	}
}
