import { CorruptRecordError, reportToConsole, StoreError } from '@tmcp-sessions/core';
import {
	ENDED_SESSION,
	mergeSessionPatch,
	parseLiveSessionRecord,
} from '@tmcp-sessions/core/backend';
import type { SessionPatch, SessionRecord } from '@tmcp-sessions/core/backend';
import { ownNamespace } from '@tmcp-sessions/core/internal';
import { DurableObject } from 'cloudflare:workers';

import { PACKAGE } from './binding.ts';
import { objectName } from './placement.ts';
import { migrate, schemaVersion } from './schema.ts';

/** What became of an update. An error's class would not survive the way back: the text does. */
export type UpdateOutcome =
	| { readonly outcome: 'updated' | 'unknown' }
	| { readonly outcome: 'corrupt'; readonly text: string };

/** Sessions, and expired subscriptions and claims, that one run of the alarm removes: it must not hold up requests. */
const BATCH_SIZE = 100;
/** Alarms go off on full minutes, so that sessions which end soon after each other share one. */
const ALARM_GRID_MS = 60_000;

/**
 * One of the Durable Objects that sessions are spread over, with SQLite storage. It keeps the records
 * of the sessions whose ids hash to it, the subscribers of the uris that do, and the ids that were
 * claimed for their one use. What expired is removed by an alarm, and an object that keeps nothing gives all its storage back.
 *
 * Its methods are for `DurableObjectSessionStore`. Ids are URI encoded there, uris hashed, and times
 * come from its clock, in milliseconds since the epoch.
 */
export class SessionShard extends DurableObject {
	/** An object that was never written to, or was emptied, has no tables: reads make none. */
	#hasSchema = false;
	/** When the alarm is due. Known, so that a write sets none that it need not: that costs a row. */
	#alarmMs: number | undefined;

	constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
		super(ctx, env);
		const open = async (): Promise<void> => {
			if (schemaVersion(ctx.storage.sql) > 0) this.#makeSchema();
			this.#alarmMs = (await ctx.storage.getAlarm()) ?? undefined;
		};
		// Where this fails, the platform ends the instance and whoever called it gets the error.
		ctx.blockConcurrencyWhile(open).catch(() => {});
	}

	/** What is kept in the place of the session's record, expired or not. */
	read(id: string): string | null {
		const [row] = this.#rows<{ text: string | null }>('SELECT text FROM sessions WHERE id = ?', id);
		return row?.text ?? null;
	}

	/** Keeps a new session. One that has ended stays ended. */
	async create(id: string, text: string, expiresAtMs: number): Promise<void> {
		this.#makeSchema();
		this.#rows(
			`INSERT INTO sessions (id, text, forget_at_ms) VALUES (?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET text = excluded.text, forget_at_ms = excluded.forget_at_ms
			WHERE text IS NOT ?`,
			...[id, text, expiresAtMs, ENDED_SESSION],
		);
		await this.#wakeAt(onGrid(expiresAtMs));
	}

	/** Merges the patch into a live session. Nothing comes between reading and writing. */
	async update(id: string, patch: SessionPatch, nowMs: number): Promise<UpdateOutcome> {
		const text = this.read(id);
		if (text === null) return { outcome: 'unknown' };
		let record: SessionRecord | undefined;
		try {
			record = parseLiveSessionRecord(text, PACKAGE, nowMs);
		} catch (error) {
			if (error instanceof CorruptRecordError) return { outcome: 'corrupt', text };
			throw error;
		}
		if (!record) return { outcome: 'unknown' };
		const merged = mergeSessionPatch(record, patch);
		this.#rows(
			'UPDATE sessions SET text = ?, forget_at_ms = ? WHERE id = ?',
			...[JSON.stringify(merged), merged.expiresAtMs, id],
		);
		await this.#wakeAt(onGrid(merged.expiresAtMs));
		return { outcome: 'updated' };
	}

	/**
	 * Ends the session; its row stays until it would have expired.
	 *
	 * @returns the shards that keep its subscriptions: they have to be told with `removeSubscribers`.
	 */
	end(id: string): number[] {
		const [row] = this.#rows<{ subscribed_shards: string }>(
			'UPDATE sessions SET text = ? WHERE id = ? RETURNING subscribed_shards',
			...[ENDED_SESSION, id],
		);
		return row ? shardsIn(row.subscribed_shards) : [];
	}

	/**
	 * Notes that a shard keeps subscriptions of the session until then.
	 *
	 * @returns false, and notes nothing, where the session has ended or expired.
	 */
	async noteSubscription(
		id: string,
		shard: number,
		untilMs: number,
		nowMs: number,
	): Promise<boolean> {
		this.#makeSchema();
		const [row] = this.#rows<{ text: string | null; shards: string; forgetAtMs: number }>(
			`SELECT text, subscribed_shards AS shards, forget_at_ms AS forgetAtMs
			FROM sessions WHERE id = ?`,
			id,
		);
		const hasRecord = row !== undefined && row.text !== null;
		if (hasRecord && (row.text === ENDED_SESSION || row.forgetAtMs <= nowMs)) return false;
		const shards = row ? shardsIn(row.shards) : [];
		const forgetAtMs = hasRecord ? row.forgetAtMs : Math.max(untilMs, row?.forgetAtMs ?? 0);
		if (shards.includes(shard) && forgetAtMs === row?.forgetAtMs) return true;
		this.#rows(
			`INSERT INTO sessions (id, subscribed_shards, forget_at_ms) VALUES (?, ?, ?)
			ON CONFLICT (id) DO UPDATE
			SET subscribed_shards = excluded.subscribed_shards, forget_at_ms = excluded.forget_at_ms`,
			...[id, JSON.stringify([...new Set([...shards, shard])]), forgetAtMs],
		);
		await this.#wakeAt(onGrid(forgetAtMs));
		return true;
	}

	/** Keeps a subscriber of a uri until then. */
	async addSubscriber(uriHash: string, id: string, untilMs: number): Promise<void> {
		this.#makeSchema();
		this.#rows(
			`INSERT INTO subscribers (uri_hash, id, until_ms) VALUES (?, ?, ?)
			ON CONFLICT (uri_hash, id) DO UPDATE SET until_ms = excluded.until_ms
			WHERE until_ms <> excluded.until_ms`,
			...[uriHash, id, untilMs],
		);
		await this.#wakeAt(onGrid(untilMs));
	}

	/** Forgets one subscriber of a uri. */
	async removeSubscriber(uriHash: string, id: string): Promise<void> {
		this.#rows('DELETE FROM subscribers WHERE uri_hash = ? AND id = ?', uriHash, id);
		await this.#wakeIfEmpty();
	}

	/** Forgets all subscriptions of these sessions that this shard keeps. */
	async removeSubscribers(ids: readonly string[]): Promise<void> {
		this.#rows(
			'DELETE FROM subscribers WHERE id IN (SELECT value FROM json_each(?))',
			JSON.stringify(ids),
		);
		await this.#wakeIfEmpty();
	}

	/** The ids of all subscribers of a uri. */
	subscribers(uriHash: string, nowMs: number): string[] {
		return this.#rows<{ id: string }>(
			'SELECT id FROM subscribers WHERE uri_hash = ? AND until_ms > ?',
			...[uriHash, nowMs],
		).map(({ id }) => id);
	}

	/** Whether this claimant is the first of the id, which is remembered until then. */
	async claim(id: string, claimant: string, untilMs: number): Promise<boolean> {
		this.#makeSchema();
		this.#rows(
			'INSERT INTO claims (id, claimant, until_ms) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING',
			...[id, claimant, untilMs],
		);
		const [first] = this.#rows<{ claimant: string }>(
			'SELECT claimant FROM claims WHERE id = ?',
			id,
		);
		await this.#wakeAt(onGrid(untilMs));
		return first?.claimant === claimant;
	}

	/** Removes a batch of what expired, and comes back for the rest. */
	override async alarm(): Promise<void> {
		this.#alarmMs = undefined;
		const nowMs = Date.now();
		const expired = this.#rows<{ id: string; shards: string }>(
			`SELECT id, subscribed_shards AS shards FROM sessions
			WHERE forget_at_ms <= ? ORDER BY forget_at_ms LIMIT ?`,
			...[nowMs, BATCH_SIZE],
		);
		// First of all: an alarm that dies on the way is run again and finds the sessions once more.
		await this.#removeSubscriptionsOf(expired);
		// Meanwhile a Worker whose clock is behind may have moved an end.
		this.#rows(
			`DELETE FROM sessions
			WHERE id IN (SELECT value FROM json_each(?)) AND forget_at_ms <= ?`,
			...[JSON.stringify(expired.map(({ id }) => id)), nowMs],
		);
		this.#rows(
			`DELETE FROM subscribers WHERE (uri_hash, id) IN
			(SELECT uri_hash, id FROM subscribers WHERE until_ms <= ? ORDER BY until_ms LIMIT ?)`,
			...[nowMs, BATCH_SIZE],
		);
		this.#rows(
			`DELETE FROM claims WHERE id IN
			(SELECT id FROM claims WHERE until_ms <= ? ORDER BY until_ms LIMIT ?)`,
			...[nowMs, BATCH_SIZE],
		);
		const dueMs = this.#earliestEndMs();
		if (dueMs === undefined) await this.#giveStorageBack();
		else await this.#wakeAt(dueMs <= nowMs ? nowMs : onGrid(dueMs));
	}

	/** Tells the shards that keep subscriptions of these sessions. One out of reach keeps them until their own time. */
	async #removeSubscriptionsOf(
		sessions: readonly { readonly id: string; readonly shards: string }[],
	): Promise<void> {
		const idsByShard = Map.groupBy(
			sessions.flatMap(({ id, shards }) => shardsIn(shards).map((shard) => ({ id, shard }))),
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

	#earliestEndMs(): number | undefined {
		const [row] = this.#rows<{ dueMs: number | null }>(
			`SELECT min(due_ms) AS dueMs FROM (
				SELECT min(forget_at_ms) AS due_ms FROM sessions
				UNION ALL SELECT min(until_ms) FROM subscribers
				UNION ALL SELECT min(until_ms) FROM claims
			)`,
		);
		return row?.dueMs ?? undefined;
	}

	/** Sets the alarm, unless it goes off by then anyway. */
	async #wakeAt(alarmMs: number): Promise<void> {
		if (this.#alarmMs !== undefined && this.#alarmMs <= alarmMs) return;
		this.#alarmMs = alarmMs;
		await this.ctx.storage.setAlarm(alarmMs);
	}

	/** The alarm that is set may be a month away: an object that keeps nothing is emptied soon. */
	async #wakeIfEmpty(): Promise<void> {
		if (this.#hasSchema && this.#earliestEndMs() === undefined) {
			await this.#wakeAt(onGrid(Date.now()));
		}
	}

	/** Deletes tables and alarm in one go: the next write makes them anew, in this instance too. */
	async #giveStorageBack(): Promise<void> {
		this.#hasSchema = false;
		this.#alarmMs = undefined;
		await Promise.all([this.ctx.storage.deleteAlarm(), this.ctx.storage.deleteAll()]);
	}

	#makeSchema(): void {
		if (!this.#hasSchema) migrate(this.ctx.storage);
		this.#hasSchema = true;
	}

	/** The rows that a statement gives; none where there are no tables. */
	#rows<Row extends Record<string, SqlStorageValue>>(
		statement: string,
		...bindings: (string | number)[]
	): Row[] {
		if (!this.#hasSchema) return [];
		return this.ctx.storage.sql.exec<Row>(statement, ...bindings).toArray();
	}
}

function onGrid(ms: number): number {
	return Math.ceil(ms / ALARM_GRID_MS) * ALARM_GRID_MS;
}

function shardsIn(text: string): number[] {
	// Sound: this class alone writes the column.
	return JSON.parse(text) as number[];
}
