import { openOrResumeStream, withCurrentChannel, withLossUpTo } from '@tmcp-sessions/core/internal';
import type {
	ChannelHistory,
	LogBounds,
	LoggedMessage,
	MessageLog,
	OpenedStream,
} from '@tmcp-sessions/core/internal';

import { isOver, MARGIN, MAX_ROW_BYTES, utf8Length } from './storage.ts';
import type { LogSize } from './storage.ts';

/** A message for more sessions than these is not looked up for each, once it is pruned. */
const FEW_SESSIONS = 16;

type LogEnd = { sequence: number; bytes: number; end_bytes: number };

/**
 * What was sent to sessions, in SQLite: one row for a message, whatever the number of its receivers.
 * Ids of sessions are URI encoded, so that a space stands between them.
 */
export class SqlMessageLog implements MessageLog {
	readonly epoch: string;
	readonly #sql: SqlStorage;
	readonly #bounds: LogBounds;
	readonly #place: { readonly shard: string };
	/** @param place which shard this is, once that is known. */
	constructor(sql: SqlStorage, bounds: LogBounds, place: { readonly shard: string }) {
		this.#sql = sql;
		this.#bounds = bounds;
		this.#place = place;
		this.epoch = epochOf(sql);
	}

	get shard(): string {
		return this.#place.shard;
	}

	/** `openOrResumeStream` of core: the session has a stream from now on. */
	open(session: string, lastEventId: string | undefined, nowMs: number): OpenedStream {
		const opened = openOrResumeStream(this, session, lastEventId, nowMs);
		// No row is written where there is none.
		this.#sql.exec(
			'UPDATE tmcp_histories SET idle_ms = NULL WHERE session = ? AND idle_ms IS NOT NULL',
			session,
		);
		return opened;
	}

	/**
	 * Adds a message.
	 *
	 * @param sessions whom it is for; `undefined` is every session.
	 * @returns its sequence.
	 */
	append(sessions: readonly string[] | undefined, frame: string, nowMs: number): number {
		const newest = this.#end('DESC');
		const sequence = (newest?.sequence ?? 0) + 1;
		const named = sessions ? ` ${sessions.join(' ')} ` : null;
		const ofFrame = utf8Length(frame);
		const ofNames = named?.length ?? 0;
		const isKept = ofFrame + ofNames <= MAX_ROW_BYTES;
		const bytes = ofNames + (isKept ? ofFrame : 0);
		const end = (newest?.end_bytes ?? 0) + bytes;
		const kept = isKept ? frame : null;
		const insertion = 'INSERT INTO tmcp_log VALUES (?, ?, ?, ?, ?, ?)';
		this.#sql.exec(insertion, sequence, nowMs, named, kept, bytes, end);
		const size = this.#size({ sequence, bytes, end_bytes: end });
		if (isOver(size, this.#bounds, MARGIN)) this.prune(0);
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
		// Sound: nothing but `saveHistory` writes it.
		return row && (JSON.parse(row.history) as ChannelHistory);
	}

	saveHistory(session: string, history: ChannelHistory): void {
		const text = JSON.stringify(history);
		this.#sql.exec('INSERT OR REPLACE INTO tmcp_histories VALUES (?, ?, NULL)', session, text);
	}

	/** Whether any session, or this one, has or had a stream: nobody else can come back for anything. */
	knows(session?: string): boolean {
		const found =
			session === undefined
				? this.#sql.exec('SELECT 1 FROM tmcp_histories LIMIT 1')
				: this.#sql.exec('SELECT 1 FROM tmcp_histories WHERE session = ?', session);
		return found.toArray().length > 0;
	}

	/** From this message on, the session's messages belong to this channel. */
	makeCurrent(session: string, channel: number, sequence: number): void {
		const history = this.historyOf(session);
		if (!history) return;
		const changed = withCurrentChannel(history, channel, sequence);
		if (changed !== history) this.saveHistory(session, changed);
	}

	forget(session: string): void {
		this.#sql.exec('DELETE FROM tmcp_histories WHERE session = ?', session);
	}

	/**
	 * Lets go of what is over the bounds, and of all that was sent before this time. The newest
	 * message stays: its sequence is where the next one counts on.
	 *
	 * @returns whether there is more that will have to go.
	 */
	prune(beforeMs: number): boolean {
		const size = this.#size();
		let last = 0;
		const rows = this.#sql.exec<{ sequence: number; at_ms: number; bytes: number }>(
			'SELECT sequence, at_ms, bytes FROM tmcp_log ORDER BY sequence',
		);
		for (const { sequence, at_ms: atMs, bytes } of rows) {
			if (size.messages === 1 || !(isOver(size, this.#bounds) || atMs < beforeMs)) break;
			last = sequence;
			size.messages -= 1;
			size.bytes -= bytes;
		}
		if (last > 0) this.#delete(last);
		return size.messages > 1;
	}

	/**
	 * Forgets the sessions that had no stream for as long as messages are kept.
	 *
	 * @param isOpen whether a session has a stream.
	 * @returns whether there are any that will have to be forgotten.
	 */
	forgetIdle(isOpen: (session: string) => boolean, nowMs: number): boolean {
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
				this.forget(session);
			} else {
				idle += 1;
				if (sinceMs === null) this.#setIdle(session, nowMs);
			}
		}
		return idle > 0;
	}

	/** A client that comes back for what goes now must be told, and one that missed none of it not. */
	#delete(last: number): void {
		const lost = new Map<string, number>();
		let lostToMany = 0;
		const rows = this.#sql.exec<{ sequence: number; sessions: string | null }>(
			'SELECT sequence, sessions FROM tmcp_log WHERE sequence <= ?',
			last,
		);
		for (const { sequence, sessions } of rows) {
			const named = sessions?.trim().split(' ') ?? [];
			if (named.length === 0 || named.length > FEW_SESSIONS) lostToMany = sequence;
			else for (const session of named) lost.set(session, sequence);
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

	/** What is kept has no gaps: two rows tell how much it is, and nothing has to be counted. */
	#size(newest: LogEnd | undefined = this.#end('DESC')): LogSize {
		const oldest = this.#end('ASC');
		if (!oldest || !newest) return { messages: 0, bytes: 0 };
		return {
			messages: newest.sequence - oldest.sequence + 1,
			bytes: newest.end_bytes - oldest.end_bytes + oldest.bytes,
		};
	}

	/** The oldest message or the newest one, and how long all were that were ever kept up to it. */
	#end(order: 'ASC' | 'DESC'): LogEnd | undefined {
		const [row] = this.#sql.exec<LogEnd>(
			`SELECT sequence, bytes, end_bytes FROM tmcp_log ORDER BY sequence ${order} LIMIT 1`,
		);
		return row;
	}
}

/** Receivers of a message, in parts whose ids fit into a row of the log. */
export function inRows<Known extends { readonly session: string }>(known: Known[]): Known[][] {
	const parts: Known[][] = [];
	let bytes = Infinity;
	for (const each of known) {
		bytes += each.session.length + 1;
		if (bytes <= MAX_ROW_BYTES / 4) {
			parts.at(-1)?.push(each);
			continue;
		}
		parts.push([each]);
		bytes = each.session.length + 1;
	}
	return parts;
}

function epochOf(sql: SqlStorage): string {
	const [row] = sql.exec<{ value: string }>("SELECT value FROM tmcp_meta WHERE key = 'epoch'");
	if (row) return row.value;
	const epoch = crypto.randomUUID().slice(0, 8);
	sql.exec("INSERT INTO tmcp_meta VALUES ('epoch', ?)", epoch);
	return epoch;
}
