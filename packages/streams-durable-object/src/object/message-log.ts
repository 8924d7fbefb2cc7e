import { MAX_ROW_BYTES } from '@tmcp-sessions/core/backend';
import {
	entriesBeyond,
	needsPruning,
	openOrResumeStream,
	withCurrentChannel,
	withLossUpTo,
} from '@tmcp-sessions/core/internal';
import type {
	ChannelHistory,
	LogBounds,
	LoggedMessage,
	LogSize,
	MessageLog,
	OpenedStream,
} from '@tmcp-sessions/core/internal';

import { splitBySize } from '../split-by-size.ts';
import { exceeds, utf8Length } from './storage.ts';

/** Messages to more sessions are not recorded for each: they count as messages to all. */
const MAX_RECORDED_SESSIONS = 16;

/** A replay of at most this many messages of the log reads each of them. */
const MAX_SCANNED = 100;

/** The oldest or the newest row. `end_bytes` sums the sizes of all rows ever written up to this one. */
type LogEnd = { sequence: number; bytes: number; end_bytes: number };

/** A message to be removed. */
type RemovedMessage = { sequence: number; sessions: string | null; bytes: number };

/**
 * Logs messages to sessions in SQLite: one row for a message, whatever the number of its receivers.
 * Session ids are URI encoded, so that a space can separate them.
 */
export class SqlMessageLog implements MessageLog {
	readonly epoch: string;
	readonly #sql: SqlStorage;
	readonly #bounds: LogBounds;
	readonly #getShard: () => string;
	/** What was removed between the oldest and the newest row. Read once after each wake-up. */
	#removed: LogSize | undefined;
	/** The messages of each session, and those to all by an empty id. Read once, when it is needed. */
	#received: Map<string, number[]> | undefined;

	/** @param getShard returns the label of the shard, which can change until the first stream opens. */
	constructor(sql: SqlStorage, bounds: LogBounds, getShard: () => string) {
		this.#sql = sql;
		this.#bounds = bounds;
		this.#getShard = getShard;
		this.epoch = loadEpoch(sql);
	}

	get shard(): string {
		return this.#getShard();
	}

	/**
	 * Opens or resumes a stream with `openOrResumeStream` of core. The session is no longer idle.
	 *
	 * @param client a hash of the client, whose sessions share the log with those of others.
	 */
	open(
		session: string,
		lastEventId: string | undefined,
		nowMs: number,
		client?: string,
	): OpenedStream {
		const opened = openOrResumeStream(this, session, lastEventId, nowMs, client);
		// The condition on `idle_ms` saves a row write if the session is not idle.
		this.#sql.exec(
			'UPDATE tmcp_histories SET idle_ms = NULL WHERE session = ? AND idle_ms IS NOT NULL',
			session,
		);
		return opened;
	}

	/**
	 * Adds a message.
	 *
	 * @param sessions the receivers; `undefined` is every session.
	 * @returns the sequence of the message.
	 */
	append(sessions: readonly string[] | undefined, frame: string, nowMs: number): number {
		const newest = this.#end('DESC');
		const sequence = (newest?.sequence ?? 0) + 1;
		const receivers = sessions ? ` ${sessions.join(' ')} ` : null;
		const frameBytes = utf8Length(frame);
		const receiverBytes = receivers?.length ?? 0;
		const fits = frameBytes + receiverBytes <= MAX_ROW_BYTES;
		const bytes = receiverBytes + (fits ? frameBytes : 0);
		const endBytes = (newest?.end_bytes ?? 0) + bytes;
		this.#sql.exec(
			`INSERT INTO tmcp_log (sequence, at_ms, sessions, frame, bytes, end_bytes)
				VALUES (?, ?, ?, ?, ?, ?)`,
			sequence,
			nowMs,
			receivers,
			fits ? frame : null,
			bytes,
			endBytes,
		);
		if (this.#received) addTo(this.#received, sequence, receivers);
		const size = this.#size({ sequence, bytes, end_bytes: endBytes });
		if (needsPruning(size, this.#bounds)) this.prune(0);
		return sequence;
	}

	newest(): number {
		return this.#end('DESC')?.sequence ?? 0;
	}

	pruned(): number {
		return (this.#end('ASC')?.sequence ?? 1) - 1;
	}

	lostToMany(): number {
		const [row] = this.#sql.exec<{ value: number }>(
			"SELECT value FROM tmcp_meta WHERE key = 'lost_to_many'",
		);
		return row?.value ?? 0;
	}

	*since(session: string, sequence: number): Generator<LoggedMessage> {
		const isShort = this.newest() - sequence <= MAX_SCANNED;
		const rows = this.#sql.exec<{ sequence: number; frame: string | null }>(
			`SELECT sequence, frame FROM tmcp_log
				WHERE ${isShort ? 'sequence > ?' : 'sequence IN (SELECT value FROM json_each(?))'}
				AND (sessions IS NULL OR instr(sessions, ?) > 0) ORDER BY sequence`,
			isShort ? sequence : JSON.stringify(this.#receivedSince(session, sequence)),
			` ${session} `,
		);
		for (const row of rows) yield { sequence: row.sequence, frame: row.frame ?? undefined };
	}

	historyOf(session: string): ChannelHistory | undefined {
		const [row] = this.#sql.exec<{ history: string }>(
			'SELECT history FROM tmcp_histories WHERE session = ?',
			session,
		);
		// Safe because only this class writes it.
		return row && (JSON.parse(row.history) as ChannelHistory);
	}

	saveHistory(session: string, history: ChannelHistory, client?: string): void {
		this.#sql.exec(
			`INSERT INTO tmcp_histories (session, history, client) VALUES (?, ?, ?)
				ON CONFLICT (session) DO UPDATE SET history = excluded.history, idle_ms = NULL,
				client = ifnull(excluded.client, client)`,
			session,
			JSON.stringify(history),
			client ?? null,
		);
	}

	/** Returns whether the session, or any session, has or had a stream, which a client can resume. */
	hasHistory(session?: string): boolean {
		const found =
			session === undefined
				? this.#sql.exec('SELECT 1 FROM tmcp_histories LIMIT 1')
				: this.#sql.exec('SELECT 1 FROM tmcp_histories WHERE session = ?', session);
		return found.toArray().length > 0;
	}

	/** Assigns the session's messages to a channel, from a message on. */
	makeCurrent(session: string, channel: number, sequence: number): void {
		const history = this.historyOf(session);
		if (!history) return;
		const changed = withCurrentChannel(history, channel, sequence);
		if (changed !== history) this.saveHistory(session, changed);
	}

	/** Deletes the session's streams: none of them can be resumed. */
	delete(session: string): void {
		this.#sql.exec('DELETE FROM tmcp_histories WHERE session = ?', session);
	}

	/**
	 * Deletes all messages sent before a time and, if the log exceeds its bounds, the oldest of those who
	 * take most of it. Keeps the newest message, since the next sequence follows from its own.
	 *
	 * @returns whether messages remain, which have to be pruned later.
	 */
	prune(beforeMs: number): boolean {
		const newest = this.newest();
		const old: RemovedMessage[] = [];
		const oldestFirst = this.#sql.exec<RemovedMessage & { at_ms: number }>(
			'SELECT sequence, sessions, bytes, at_ms FROM tmcp_log WHERE sequence < ? ORDER BY sequence',
			newest,
		);
		for (const { at_ms: atMs, ...message } of oldestFirst) {
			if (atMs >= beforeMs) break;
			old.push(message);
		}
		this.#remove(old);
		if (exceeds(this.#size(), this.#bounds)) {
			this.#remove([...entriesBeyond(this.#entriesBefore(newest), this.#bounds)]);
		}
		return this.#size().messages > 1;
	}

	/**
	 * Deletes the sessions that have had no open stream for as long as messages are kept.
	 *
	 * @param isOpen returns whether a session has an open stream.
	 * @returns whether idle sessions remain, which have to be deleted later.
	 */
	deleteIdle(isOpen: (session: string) => boolean, nowMs: number): boolean {
		const rows = this.#sql
			.exec<{ session: string; idle_ms: number | null }>(
				'SELECT session, idle_ms FROM tmcp_histories',
			)
			.toArray();
		let idle = 0;
		for (const { session, idle_ms: sinceMs } of rows) {
			if (isOpen(session)) {
				if (sinceMs !== null) this.#setIdle(session, null);
			} else if (sinceMs !== null && sinceMs <= nowMs - this.#bounds.ageMs) {
				this.delete(session);
			} else {
				idle += 1;
				if (sinceMs === null) this.#setIdle(session, nowMs);
			}
		}
		return idle > 0;
	}

	/**
	 * Deletes messages, and records the loss: a client that resumes must be told of a gap if it missed
	 * one of them, and only then.
	 */
	#remove(messages: readonly RemovedMessage[]): void {
		if (messages.length === 0) return;
		const before = this.#size();
		const lost = new Map<string, number>();
		let lostToMany = 0;
		for (const { sequence, sessions } of messages) {
			const receivers = recordedReceivers(sessions);
			if (!receivers) lostToMany = Math.max(lostToMany, sequence);
			for (const session of receivers ?? [])
				lost.set(session, Math.max(sequence, lost.get(session) ?? 0));
		}
		for (const [session, sequence] of lost) {
			const history = this.historyOf(session);
			if (!history) continue;
			const text = JSON.stringify(withLossUpTo(history, sequence));
			this.#sql.exec('UPDATE tmcp_histories SET history = ? WHERE session = ?', text, session);
		}
		if (lostToMany > this.lostToMany()) {
			this.#sql.exec("INSERT OR REPLACE INTO tmcp_meta VALUES ('lost_to_many', ?)", lostToMany);
		}
		this.#sql.exec(
			'DELETE FROM tmcp_log WHERE sequence IN (SELECT value FROM json_each(?))',
			JSON.stringify(messages.map(({ sequence }) => sequence)),
		);
		this.#received = undefined;
		const removedBytes = messages.reduce((total, { bytes }) => total + bytes, 0);
		this.#setSize({
			messages: before.messages - messages.length,
			bytes: before.bytes - removedBytes,
		});
	}

	/** Returns the messages before a sequence, oldest first, with their owners. */
	#entriesBefore(sequence: number): (RemovedMessage & { client: string; session: string })[] {
		return this.#sql
			.exec<RemovedMessage & { client: string | null }>(
				`SELECT sequence, sessions, bytes, client FROM tmcp_log
					LEFT JOIN tmcp_histories ON session = trim(sessions)
					WHERE sequence < ? ORDER BY sequence`,
				sequence,
			)
			.toArray()
			.map((row) => {
				const [session = '', ...others] = recordedReceivers(row.sessions) ?? [];
				const isShared = others.length > 0;
				return { ...row, client: row.client ?? '', session: isShared ? '' : session };
			});
	}

	/** Returns the messages after a sequence that a session may have received. */
	#receivedSince(session: string, sequence: number): number[] {
		if (!this.#received) {
			this.#received = new Map();
			const rows = this.#sql.exec<{ sequence: number; sessions: string | null }>(
				'SELECT sequence, sessions FROM tmcp_log ORDER BY sequence',
			);
			for (const row of rows) addTo(this.#received, row.sequence, row.sessions);
		}
		const received = [this.#received.get(session), this.#received.get(TO_ALL)];
		return received.flatMap((sequences = []) => sequences.filter((each) => each > sequence));
	}

	#setIdle(session: string, sinceMs: number | null): void {
		this.#sql.exec('UPDATE tmcp_histories SET idle_ms = ? WHERE session = ?', sinceMs, session);
	}

	/** Derives the size from two rows and what was removed between them, instead of counting. */
	#size(newest: LogEnd | undefined = this.#end('DESC')): LogSize {
		const { messages, bytes } = this.#sizeWithRemoved(newest);
		const removed = (this.#removed ??= this.#loadRemoved());
		return { messages: messages - removed.messages, bytes: bytes - removed.bytes };
	}

	#sizeWithRemoved(newest: LogEnd | undefined): LogSize {
		const oldest = this.#end('ASC');
		if (!oldest || !newest) return { messages: 0, bytes: 0 };
		return {
			messages: newest.sequence - oldest.sequence + 1,
			bytes: newest.end_bytes - oldest.end_bytes + oldest.bytes,
		};
	}

	/** Records the size after messages were removed, unless it follows from the two rows again. */
	#setSize(size: LogSize): void {
		const all = this.#sizeWithRemoved(this.#end('DESC'));
		const removed = { messages: all.messages - size.messages, bytes: all.bytes - size.bytes };
		if (removed.messages === this.#removed?.messages && removed.bytes === this.#removed.bytes)
			return;
		this.#removed = removed;
		this.#sql.exec(
			"INSERT OR REPLACE INTO tmcp_meta VALUES ('removed', ?)",
			JSON.stringify(removed),
		);
	}

	#loadRemoved(): LogSize {
		const [row] = this.#sql.exec<{ value: string }>(
			"SELECT value FROM tmcp_meta WHERE key = 'removed'",
		);
		// Safe because only `#setSize` writes it.
		return row ? (JSON.parse(row.value) as LogSize) : { messages: 0, bytes: 0 };
	}

	#end(order: 'ASC' | 'DESC'): LogEnd | undefined {
		const [row] = this.#sql.exec<LogEnd>(
			`SELECT sequence, bytes, end_bytes FROM tmcp_log ORDER BY sequence ${order} LIMIT 1`,
		);
		return row;
	}
}

/** The id under which messages to all are found. */
const TO_ALL = '';

/** Returns the receivers of a message; `undefined` if they are all, or too many to be recorded. */
function recordedReceivers(sessions: string | null): string[] | undefined {
	const receivers = sessions?.trim().split(' ');
	return receivers && receivers.length <= MAX_RECORDED_SESSIONS ? receivers : undefined;
}

/** Adds a message to those of its receivers. */
function addTo(received: Map<string, number[]>, sequence: number, sessions: string | null): void {
	for (const session of recordedReceivers(sessions) ?? [TO_ALL]) {
		const sequences = received.get(session);
		if (sequences) sequences.push(sequence);
		else received.set(session, [sequence]);
	}
}

/** Splits the receivers of a message into batches whose ids fit into one row of the log each. */
export function splitByRowSize<Receiver extends { readonly session: string }>(
	receivers: readonly Receiver[],
): Receiver[][] {
	return splitBySize(receivers, MAX_ROW_BYTES / 4, ({ session }) => session.length + 1);
}

/** Returns the random part of the log's event ids, which distinguishes it from an earlier log. */
function loadEpoch(sql: SqlStorage): string {
	const [row] = sql.exec<{ value: string }>("SELECT value FROM tmcp_meta WHERE key = 'epoch'");
	if (row) return row.value;
	const epoch = crypto.randomUUID().slice(0, 8);
	sql.exec("INSERT INTO tmcp_meta VALUES ('epoch', ?)", epoch);
	return epoch;
}
