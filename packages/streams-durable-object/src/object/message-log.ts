import { MAX_ROW_BYTES } from '@tmcp-sessions/core/backend';
import { openOrResumeStream, withCurrentChannel, withLossUpTo } from '@tmcp-sessions/core/internal';
import type {
	ChannelHistory,
	LogBounds,
	LoggedMessage,
	MessageLog,
	OpenedStream,
} from '@tmcp-sessions/core/internal';

import { splitBySize } from '../split-by-size.ts';
import { exceeds, PRUNE_MARGIN, utf8Length } from './storage.ts';
import type { LogSize } from './storage.ts';

/** Pruning a message for more sessions counts as a loss to all: it updates no histories. */
const MAX_SESSIONS_TO_UPDATE = 16;

/** The oldest or the newest row. `end_bytes` sums the sizes of all rows ever written up to this one. */
type LogEnd = { sequence: number; bytes: number; end_bytes: number };

/**
 * Logs messages to sessions in SQLite: one row for a message, whatever the number of its receivers.
 * Session ids are URI encoded, so that a space can separate them.
 */
export class SqlMessageLog implements MessageLog {
	readonly epoch: string;
	readonly #sql: SqlStorage;
	readonly #bounds: LogBounds;
	readonly #getShard: () => string;

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

	/** Opens or resumes a stream with `openOrResumeStream` of core. The session is no longer idle. */
	open(session: string, lastEventId: string | undefined, nowMs: number): OpenedStream {
		const opened = openOrResumeStream(this, session, lastEventId, nowMs);
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
			'INSERT INTO tmcp_log VALUES (?, ?, ?, ?, ?, ?)',
			sequence,
			nowMs,
			receivers,
			fits ? frame : null,
			bytes,
			endBytes,
		);
		const size = this.#size({ sequence, bytes, end_bytes: endBytes });
		if (exceeds(size, this.#bounds, PRUNE_MARGIN)) this.prune(0);
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
		const rows = this.#sql.exec<{ sequence: number; frame: string | null }>(
			`SELECT sequence, frame FROM tmcp_log WHERE sequence > ?
				AND (sessions IS NULL OR instr(sessions, ?) > 0) ORDER BY sequence`,
			sequence,
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

	saveHistory(session: string, history: ChannelHistory): void {
		const text = JSON.stringify(history);
		this.#sql.exec('INSERT OR REPLACE INTO tmcp_histories VALUES (?, ?, NULL)', session, text);
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
	 * Deletes the oldest messages while the log exceeds its bounds, and all messages sent before a time.
	 * Keeps the newest message, since the next sequence follows from its own.
	 *
	 * @returns whether messages remain, which have to be pruned later.
	 */
	prune(beforeMs: number): boolean {
		const size = this.#size();
		let last = 0;
		const rows = this.#sql.exec<{ sequence: number; at_ms: number; bytes: number }>(
			'SELECT sequence, at_ms, bytes FROM tmcp_log ORDER BY sequence',
		);
		for (const { sequence, at_ms: atMs, bytes } of rows) {
			if (size.messages === 1 || !(exceeds(size, this.#bounds) || atMs < beforeMs)) break;
			last = sequence;
			size.messages -= 1;
			size.bytes -= bytes;
		}
		if (last > 0) this.#deleteUpTo(last);
		return size.messages > 1;
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
	 * Deletes the messages up to a sequence, and records the loss: a client that resumes must be told of
	 * a gap if it missed one of them, and only then.
	 */
	#deleteUpTo(last: number): void {
		const lost = new Map<string, number>();
		let lostToMany = 0;
		const rows = this.#sql.exec<{ sequence: number; sessions: string | null }>(
			'SELECT sequence, sessions FROM tmcp_log WHERE sequence <= ?',
			last,
		);
		for (const { sequence, sessions } of rows) {
			const receivers = sessions?.trim().split(' ') ?? [];
			if (receivers.length === 0 || receivers.length > MAX_SESSIONS_TO_UPDATE)
				lostToMany = sequence;
			else for (const session of receivers) lost.set(session, sequence);
		}
		for (const [session, sequence] of lost) {
			const history = this.historyOf(session);
			if (!history) continue;
			const text = JSON.stringify(withLossUpTo(history, sequence));
			this.#sql.exec('UPDATE tmcp_histories SET history = ? WHERE session = ?', text, session);
		}
		if (lostToMany > 0) {
			this.#sql.exec("INSERT OR REPLACE INTO tmcp_meta VALUES ('lost_to_many', ?)", lostToMany);
		}
		this.#sql.exec('DELETE FROM tmcp_log WHERE sequence <= ?', last);
	}

	#setIdle(session: string, sinceMs: number | null): void {
		this.#sql.exec('UPDATE tmcp_histories SET idle_ms = ? WHERE session = ?', sinceMs, session);
	}

	/** Derives the size from two rows instead of counting: the sequences in the log have no gaps. */
	#size(newest: LogEnd | undefined = this.#end('DESC')): LogSize {
		const oldest = this.#end('ASC');
		if (!oldest || !newest) return { messages: 0, bytes: 0 };
		return {
			messages: newest.sequence - oldest.sequence + 1,
			bytes: newest.end_bytes - oldest.end_bytes + oldest.bytes,
		};
	}

	#end(order: 'ASC' | 'DESC'): LogEnd | undefined {
		const [row] = this.#sql.exec<LogEnd>(
			`SELECT sequence, bytes, end_bytes FROM tmcp_log ORDER BY sequence ${order} LIMIT 1`,
		);
		return row;
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
