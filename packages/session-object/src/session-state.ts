import { reporterOf } from '@tmcp-sessions/core';
import type { CallEvents } from '@tmcp-sessions/core';

import { archive } from './archive.ts';
import { DEFAULT_ARTIFACT_BYTES, StoredArtifacts } from './artifacts.ts';
import { CallsInFlight } from './calls-in-flight.ts';
import type { ResumeCall } from './calls-in-flight.ts';
import { Entries } from './entries.ts';
import { Lifetime } from './lifetime.ts';
import { LocalSessionStore } from './local-session-store.ts';
import { ObjectAlarm } from './object-alarm.ts';
import type { ObjectStreams } from './object-streams.ts';
import { Schedule } from './schedule.ts';
import type { OnSchedule } from './schedule.ts';
import type { Session } from './session.ts';
import { authKeys, StoredAuth } from './session-auth.ts';
import type { RefreshAuth } from './session-auth.ts';
import { DEFAULT_CONTEXT_LIMITS, StoredContext } from './session-context.ts';
import type { ContextValues } from './session-context.ts';
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
	/** Whether the object goes with its session, or outlives it as an identity's does. */
	readonly endsWithSession: () => boolean;
}

/** All that an object keeps of its session, and what looks after it. */
export class SessionState<Values extends ContextValues> {
	readonly entries: Entries;
	readonly alarm: ObjectAlarm;
	readonly lifetime: Lifetime;
	readonly store: LocalSessionStore;
	readonly calls: CallsInFlight;
	readonly schedule: Schedule;
	readonly session: Session<Values>;
	readonly report: (error: unknown) => void;
	readonly #artifacts: StoredArtifacts;
	readonly #options: StateOptions<Values>;

	/** @throws {SessionStateError} for settings that cannot be. */
	constructor(options: StateOptions<Values>) {
		const { state, env, settings, now, resumeCall: resume, refreshAuth: refresh } = options;
		const { storage } = state;
		const object = state.id.toString();
		this.#options = options;
		const report = reporterOf(settings.onError);
		this.report = report;
		this.entries = new Entries(storage, () => settings.migrations ?? []);
		this.alarm = new ObjectAlarm(this.entries, storage, report);
		this.lifetime = new Lifetime(this.entries, this.alarm, settings.lifetime ?? {}, now, report);
		this.store = new LocalSessionStore(this.entries, now, () => this.#sessionsChanged());
		this.calls = new CallsInFlight(this.entries, this.alarm, {
			...{ resume, now, report, keep: options.keepCall, say: options.sayAnswer },
		});
		this.schedule = new Schedule(this.entries, this.alarm, now, report);
		const { context = {}, limits, bucket, artifactBytes = DEFAULT_ARTIFACT_BYTES } = settings;
		this.#artifacts = new StoredArtifacts(this.entries, {
			bucket,
			object,
			maxBytes: artifactBytes,
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
				return entries.sql;
			},
			waitUntil: (work) => state.waitUntil(work.catch(report)),
			schedule: (name, when, payload) => schedule.set(name, when, payload),
			unschedule: (name) => schedule.cancel(name),
		};
	}

	/**
	 * Does what is due: what was scheduled, what expired, and the end of all.
	 *
	 * @returns whether the object was emptied.
	 */
	async runAlarm(onSchedule: OnSchedule | undefined, streams: ObjectStreams): Promise<boolean> {
		this.alarm.hasGoneOff();
		if (!this.lifetime.hasEnded) await this.schedule.run(onSchedule);
		const verdict = this.lifetime.judge(streams.areOpen || this.calls.count > 0);
		if (verdict === 'ended') {
			if (await this.#finish(streams)) return true;
		} else {
			if (verdict !== 'lives') this.store.extend(verdict.untilMs, verdict.which);
			this.store.prune();
			this.calls.check();
			await streams.runAlarm(this.#options.now());
		}
		this.alarm.update();
		return false;
	}

	/** Archives what an expired object keeps, and deletes it. What fails is tried again later. */
	async #finish(streams: ObjectStreams): Promise<boolean> {
		streams.end();
		const { state, settings, now } = this.#options;
		const { bucket, archive: isArchived = bucket !== undefined } = settings;
		const hasExpired = this.lifetime.current?.ended === 'expired';
		try {
			if (bucket && isArchived && hasExpired) {
				await archive(bucket, state.id.toString(), this.entries.sql, now());
			} else {
				await this.#artifacts.clear();
			}
		} catch (error) {
			this.report(error);
			this.lifetime.retryEnd();
			return false;
		}
		await this.empty();
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
