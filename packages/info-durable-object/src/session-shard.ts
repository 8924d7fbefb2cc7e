import { CorruptRecordError, reportToConsole, StoreError } from '@tmcp-sessions/core';
import {
	DEFAULT_ENDED_MS,
	ENDED_SESSION,
	isFinal,
	mergeSessionPatch,
	parseLiveSessionRecord,
} from '@tmcp-sessions/core/backend';
import type {
	OwnedSession,
	SessionPatch,
	SessionRecord,
	StoredState,
} from '@tmcp-sessions/core/backend';
import { ownNamespace } from '@tmcp-sessions/core/internal';
import { DurableObject } from 'cloudflare:workers';

import { PACKAGE } from './package-name.ts';
import { objectName } from './placement.ts';
import { migrate, schemaVersion } from './schema.ts';

/** The result of an update. RPC does not preserve the class of an error, so it returns the text. */
export type UpdateOutcome =
	| { readonly outcome: 'updated' | 'unknown' }
	| { readonly outcome: 'corrupt'; readonly text: string };

/** A row of a listing. A type alias: the type parameter of `exec` accepts no interface. */
export type StoredText = { readonly id: string; readonly text: string };

/** The most sessions, subscriptions, claims, owners and states that one alarm removes, so that it does not delay requests. */
const BATCH_SIZE = 100;
/** Alarms are set to full minutes, so that sessions with similar expiry share one. */
const ALARM_GRID_MS = 60_000;

/**
 * Stores one part of all sessions in SQLite: the records of the sessions whose ids hash to it, the
 * subscribers of the uris that do, and claimed ids. An alarm removes expired rows, and deletes the
 * whole storage once it is empty.
 *
 * The methods are for `DurableObjectSessionStore`, which URI encodes ids, hashes uris and passes the
 * time of its own clock, in milliseconds since the epoch.
 */
export class SessionShard extends DurableObject {
	/** Whether the tables exist. Reads do not create them. */
	#hasSchema = false;
	/** When the alarm is due. Known, because an unnecessary `setAlarm` costs one row write. */
	#alarmMs: number | undefined;

	constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
		super(ctx, env);
		const open = async (): Promise<void> => {
			if (schemaVersion(ctx.storage.sql) > 0) this.#ensureSchema();
			this.#alarmMs = (await ctx.storage.getAlarm()) ?? undefined;
		};
		// If this rejects, the platform resets the object and its callers get the error.
		ctx.blockConcurrencyWhile(open).catch(() => {});
	}

	/** Returns the stored text of a session, expired or not. */
	read(id: string): string | null {
		const [row] = this.#rows<{ text: string | null }>('SELECT text FROM sessions WHERE id = ?', id);
		return row?.text ?? null;
	}

	/** Stores a new session. An ended session stays ended. */
	async create(id: string, text: string, expiresAtMs: number): Promise<void> {
		this.#ensureSchema();
		const stored = this.read(id);
		if (stored !== null && isFinal(stored)) return;
		this.#rows(
			`INSERT INTO sessions (id, text, forget_at_ms) VALUES (?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET text = excluded.text, forget_at_ms = excluded.forget_at_ms`,
			id,
			text,
			expiresAtMs,
		);
		await this.#scheduleAlarm(toGrid(expiresAtMs));
	}

	/**
	 * Merges the patch into a live session, or stores `ifAbsent` if there is none. Atomic: the method
	 * does not await before it writes.
	 */
	async update(
		id: string,
		patch: SessionPatch,
		nowMs: number,
		ifAbsent?: SessionRecord,
	): Promise<UpdateOutcome> {
		const text = this.read(id);
		if (text === null) {
			if (!ifAbsent) return { outcome: 'unknown' };
			await this.create(id, JSON.stringify(ifAbsent), ifAbsent.expiresAtMs);
			return { outcome: 'updated' };
		}
		let record: SessionRecord | undefined;
		try {
			record = parseLiveSessionRecord(text, PACKAGE, nowMs);
		} catch (error) {
			if (error instanceof CorruptRecordError) return { outcome: 'corrupt', text };
			throw error;
		}
		if (!record || record.hasEnded) return { outcome: 'unknown' };
		const merged = mergeSessionPatch(record, patch);
		this.#rows(
			'UPDATE sessions SET text = ?, forget_at_ms = ? WHERE id = ?',
			JSON.stringify(merged),
			merged.expiresAtMs,
			id,
		);
		await this.#scheduleAlarm(toGrid(merged.expiresAtMs));
		return { outcome: 'updated' };
	}

	/**
	 * Ends the session. Its row stays as a tombstone until the session would have expired.
	 *
	 * @param untilMs how long the tombstone of an unknown session stays, whose `create` may be under way.
	 * Workers of earlier releases pass none.
	 * @returns the objects that store its subscriptions; the caller calls their `removeSubscribers`.
	 */
	async end(id: string, untilMs: number = Date.now() + DEFAULT_ENDED_MS): Promise<number[]> {
		this.#ensureSchema();
		const [row] = this.#rows<{ shards: string; forgetAtMs: number }>(
			`INSERT INTO sessions (id, text, forget_at_ms) VALUES (?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET text = excluded.text
			RETURNING subscribed_shards AS shards, forget_at_ms AS forgetAtMs`,
			id,
			ENDED_SESSION,
			untilMs,
		);
		if (!row) return [];
		await this.#scheduleAlarm(toGrid(row.forgetAtMs));
		return parseShards(row.shards);
	}

	/**
	 * Records that an object stores subscriptions of the session until `untilMs`.
	 *
	 * @returns false, without a write, if the session has ended or expired.
	 */
	async addSubscribedShard(
		id: string,
		shard: number,
		untilMs: number,
		nowMs: number,
	): Promise<boolean> {
		this.#ensureSchema();
		const [row] = this.#rows<{ text: string | null; shards: string; forgetAtMs: number }>(
			`SELECT text, subscribed_shards AS shards, forget_at_ms AS forgetAtMs
			FROM sessions WHERE id = ?`,
			id,
		);
		const hasRecord = row !== undefined && row.text !== null;
		if (hasRecord && (row.text === ENDED_SESSION || row.forgetAtMs <= nowMs)) return false;
		const shards = row ? parseShards(row.shards) : [];
		const forgetAtMs = hasRecord ? row.forgetAtMs : Math.max(untilMs, row?.forgetAtMs ?? 0);
		if (shards.includes(shard) && forgetAtMs === row?.forgetAtMs) return true;
		this.#rows(
			`INSERT INTO sessions (id, subscribed_shards, forget_at_ms) VALUES (?, ?, ?)
			ON CONFLICT (id) DO UPDATE
			SET subscribed_shards = excluded.subscribed_shards, forget_at_ms = excluded.forget_at_ms`,
			id,
			JSON.stringify([...new Set([...shards, shard])]),
			forgetAtMs,
		);
		await this.#scheduleAlarm(toGrid(forgetAtMs));
		return true;
	}

	/** Adds a subscriber of a uri until `untilMs`. */
	async addSubscriber(uriHash: string, id: string, untilMs: number): Promise<void> {
		this.#ensureSchema();
		this.#rows(
			`INSERT INTO subscribers (uri_hash, id, until_ms) VALUES (?, ?, ?)
			ON CONFLICT (uri_hash, id) DO UPDATE SET until_ms = excluded.until_ms
			WHERE until_ms <> excluded.until_ms`,
			uriHash,
			id,
			untilMs,
		);
		await this.#scheduleAlarm(toGrid(untilMs));
	}

	/** Removes one subscriber of a uri. */
	async removeSubscriber(uriHash: string, id: string): Promise<void> {
		this.#rows('DELETE FROM subscribers WHERE uri_hash = ? AND id = ?', uriHash, id);
		await this.#scheduleDeletionIfEmpty();
	}

	/** Removes the subscriptions of these sessions from this object. */
	async removeSubscribers(ids: readonly string[]): Promise<void> {
		this.#rows(
			'DELETE FROM subscribers WHERE id IN (SELECT value FROM json_each(?))',
			JSON.stringify(ids),
		);
		await this.#scheduleDeletionIfEmpty();
	}

	/** Returns the ids of all subscribers of a uri. */
	subscribers(uriHash: string, nowMs: number): string[] {
		return this.#rows<{ id: string }>(
			'SELECT id FROM subscribers WHERE uri_hash = ? AND until_ms > ?',
			uriHash,
			nowMs,
		).map(({ id }) => id);
	}

	/** Claims an id until `untilMs`. Returns whether this claimant was the first. */
	async claim(id: string, claimant: string, untilMs: number): Promise<boolean> {
		this.#ensureSchema();
		this.#rows(
			'INSERT INTO claims (id, claimant, until_ms) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING',
			id,
			claimant,
			untilMs,
		);
		const [first] = this.#rows<{ claimant: string }>(
			'SELECT claimant FROM claims WHERE id = ?',
			id,
		);
		await this.#scheduleAlarm(toGrid(untilMs));
		return first?.claimant === claimant;
	}

	/** Returns the state of a session or of a handle. */
	readState(id: string): StoredState | 'ended' | null {
		const [row] = this.#rows<{ text: string | null; version: string }>(
			'SELECT text, version FROM states WHERE id = ?',
			id,
		);
		if (!row) return null;
		return row.text === null ? 'ended' : { text: row.text, version: row.version };
	}

	/**
	 * Stores a state if the stored version is still `version`, or is the new one after a retry.
	 *
	 * @param version null if there was no state.
	 */
	async writeState(
		id: string,
		next: StoredState,
		version: string | null,
		untilMs: number,
	): Promise<boolean> {
		this.#ensureSchema();
		const stored = this.readState(id);
		if (stored === 'ended') return false;
		const found = stored?.version ?? null;
		if (found !== version && found !== next.version) return false;
		this.#putState(id, next.text, next.version, untilMs);
		await this.#scheduleAlarm(toGrid(untilMs));
		return true;
	}

	/** Moves the expiry of a state to a later time. */
	async extendState(id: string, untilMs: number): Promise<void> {
		this.#rows(
			'UPDATE states SET until_ms = ? WHERE id = ? AND until_ms < ?',
			untilMs,
			id,
			untilMs,
		);
	}

	/** Removes a state for good. Returns it, once. */
	async endState(id: string, untilMs: number): Promise<string | null> {
		this.#ensureSchema();
		const stored = this.readState(id);
		if (stored === 'ended') return null;
		this.#putState(id, null, '', untilMs);
		await this.#scheduleAlarm(toGrid(untilMs));
		return stored?.text ?? null;
	}

	#putState(id: string, text: string | null, version: string, untilMs: number): void {
		this.ctx.storage.sql.exec(
			'INSERT OR REPLACE INTO states (id, text, version, until_ms) VALUES (?, ?, ?, ?)',
			id,
			text,
			version,
			untilMs,
		);
	}

	/** Records the owner of a session until `untilMs`. */
	async addOwner(owner: string, id: string, untilMs: number): Promise<void> {
		this.#ensureSchema();
		this.#rows(
			`INSERT INTO owners (owner, id, until_ms) VALUES (?, ?, ?)
			ON CONFLICT (owner, id) DO UPDATE SET until_ms = excluded.until_ms`,
			owner,
			id,
			untilMs,
		);
		await this.#scheduleAlarm(toGrid(untilMs));
	}

	/** Returns the sessions of an owner. */
	sessionsOf(owner: string, nowMs: number): OwnedSession[] {
		return this.#rows<{ id: string; untilMs: number }>(
			'SELECT id, until_ms AS untilMs FROM owners WHERE owner = ? AND until_ms > ?',
			owner,
			nowMs,
		);
	}

	/** Removes sessions of an owner. */
	async removeOwned(owner: string, ids: readonly string[]): Promise<void> {
		this.#rows(
			'DELETE FROM owners WHERE owner = ? AND id IN (SELECT value FROM json_each(?))',
			owner,
			JSON.stringify(ids),
		);
		await this.#scheduleDeletionIfEmpty();
	}

	/** Records that a shard has sessions until `untilMs`. */
	async addShard(label: string, untilMs: number): Promise<void> {
		this.#ensureSchema();
		this.#rows(
			`INSERT INTO shards (label, until_ms) VALUES (?, ?)
			ON CONFLICT (label) DO UPDATE SET until_ms = max(until_ms, excluded.until_ms)`,
			label,
			untilMs,
		);
		await this.#scheduleAlarm(toGrid(untilMs));
	}

	/** Returns the labels of the recorded shards. */
	shards(): string[] {
		const rows = this.#rows<{ label: string }>('SELECT label FROM shards ORDER BY label');
		return rows.map(({ label }) => label);
	}

	/** Returns the texts of the sessions of this object that have not ended, ordered by id. */
	list(afterId: string, limit: number, nowMs: number): StoredText[] {
		return this.#rows<StoredText>(
			`SELECT id, text FROM sessions
			WHERE id > ? AND text IS NOT NULL AND text <> ? AND forget_at_ms > ? ORDER BY id LIMIT ?`,
			afterId,
			ENDED_SESSION,
			nowMs,
			limit,
		);
	}

	/** Removes a batch of expired rows, and sets the next alarm if there are more. */
	override async alarm(): Promise<void> {
		this.#alarmMs = undefined;
		const nowMs = Date.now();
		const expired = this.#rows<{ id: string; shards: string }>(
			`SELECT id, subscribed_shards AS shards FROM sessions
			WHERE forget_at_ms <= ? ORDER BY forget_at_ms LIMIT ?`,
			nowMs,
			BATCH_SIZE,
		);
		// First, so that the retry of a failed alarm finds the sessions again.
		await this.#removeSubscriptionsOf(expired);
		// Checks the expiry again: a Worker whose clock is behind may have extended it meanwhile.
		this.#rows(
			`DELETE FROM sessions
			WHERE id IN (SELECT value FROM json_each(?)) AND forget_at_ms <= ?`,
			JSON.stringify(expired.map(({ id }) => id)),
			nowMs,
		);
		this.#rows(
			`DELETE FROM subscribers WHERE (uri_hash, id) IN
			(SELECT uri_hash, id FROM subscribers WHERE until_ms <= ? ORDER BY until_ms LIMIT ?)`,
			nowMs,
			BATCH_SIZE,
		);
		this.#rows(
			`DELETE FROM claims WHERE id IN
			(SELECT id FROM claims WHERE until_ms <= ? ORDER BY until_ms LIMIT ?)`,
			nowMs,
			BATCH_SIZE,
		);
		this.#rows(
			`DELETE FROM owners WHERE (owner, id) IN
			(SELECT owner, id FROM owners WHERE until_ms <= ? ORDER BY until_ms LIMIT ?)`,
			nowMs,
			BATCH_SIZE,
		);
		this.#rows(
			`DELETE FROM states WHERE id IN
			(SELECT id FROM states WHERE until_ms <= ? ORDER BY until_ms LIMIT ?)`,
			nowMs,
			BATCH_SIZE,
		);
		this.#rows('DELETE FROM shards WHERE until_ms <= ?', nowMs);
		const dueMs = this.#earliestExpiryMs();
		if (dueMs === undefined) await this.#deleteStorage();
		else await this.#scheduleAlarm(dueMs <= nowMs ? nowMs : toGrid(dueMs));
	}

	/** Removes subscriptions of sessions from other objects. If one fails, its rows expire at `until_ms`. */
	async #removeSubscriptionsOf(
		sessions: readonly { readonly id: string; readonly shards: string }[],
	): Promise<void> {
		const idsByShard = Map.groupBy(
			sessions.flatMap(({ id, shards }) => parseShards(shards).map((shard) => ({ id, shard }))),
			({ shard }) => shard,
		);
		const { id: own, exports } = this.ctx;
		const namespace = ownNamespace<DurableObjectNamespace<SessionShard>>(own, exports, this.env);
		if (!namespace) return;
		const removals = [...idsByShard].map(async ([shard, entries]) =>
			namespace.getByName(objectName(shard)).removeSubscribers(entries.map(({ id }) => id)),
		);
		for (const removal of await Promise.allSettled(removals)) {
			if (removal.status === 'fulfilled') continue;
			reportToConsole(
				new StoreError(PACKAGE, 'ending the subscriptions of expired sessions', removal.reason),
			);
		}
	}

	#earliestExpiryMs(): number | undefined {
		const dueMs = [this.#earliestRowMs(), this.#earliestStateMs()].filter((ms) => ms !== undefined);
		return dueMs.length > 0 ? Math.min(...dueMs) : undefined;
	}

	/** Leaves out states: workerd accepts at most five terms in a compound SELECT. */
	#earliestRowMs(): number | undefined {
		const [row] = this.#rows<{ dueMs: number | null }>(
			`SELECT min(due_ms) AS dueMs FROM (
				SELECT min(forget_at_ms) AS due_ms FROM sessions
				UNION ALL SELECT min(until_ms) FROM subscribers
				UNION ALL SELECT min(until_ms) FROM claims
				UNION ALL SELECT min(until_ms) FROM owners
				UNION ALL SELECT min(until_ms) FROM shards
			)`,
		);
		return row?.dueMs ?? undefined;
	}

	#earliestStateMs(): number | undefined {
		const [row] = this.#rows<{ dueMs: number | null }>('SELECT min(until_ms) AS dueMs FROM states');
		return row?.dueMs ?? undefined;
	}

	/** Sets the alarm unless it is due earlier. */
	async #scheduleAlarm(alarmMs: number): Promise<void> {
		if (this.#alarmMs !== undefined && this.#alarmMs <= alarmMs) return;
		this.#alarmMs = alarmMs;
		await this.ctx.storage.setAlarm(alarmMs);
	}

	/** Empties the object soon: the alarm that is set may be due in a month. */
	async #scheduleDeletionIfEmpty(): Promise<void> {
		if (!this.#hasSchema || this.#earliestRowMs() !== undefined) return;
		if (this.#earliestStateMs() === undefined) {
			await this.#scheduleAlarm(toGrid(Date.now()));
		}
	}

	/** Deletes the tables and the alarm at once. The next write creates them again. */
	async #deleteStorage(): Promise<void> {
		this.#hasSchema = false;
		this.#alarmMs = undefined;
		await Promise.all([this.ctx.storage.deleteAlarm(), this.ctx.storage.deleteAll()]);
	}

	#ensureSchema(): void {
		if (!this.#hasSchema) migrate(this.ctx.storage);
		this.#hasSchema = true;
	}

	/** Runs a statement and returns its rows; none if there are no tables. */
	#rows<Row extends Record<string, SqlStorageValue>>(
		statement: string,
		...bindings: (string | number)[]
	): Row[] {
		if (!this.#hasSchema) return [];
		return this.ctx.storage.sql.exec<Row>(statement, ...bindings).toArray();
	}
}

function toGrid(ms: number): number {
	return Math.ceil(ms / ALARM_GRID_MS) * ALARM_GRID_MS;
}

function parseShards(text: string): number[] {
	// Safe because only this class writes the column.
	return JSON.parse(text) as number[];
}
