import { gapFrame, MAX_ROW_BYTES } from '@tmcp-sessions/core/backend';
import type { CallEvents } from '@tmcp-sessions/core/backend';
import { entriesBeyond, gapText, needsPruning, unstoredEvents } from '@tmcp-sessions/core/internal';
import type { LogBounds, LogSize, StoredCallEnd } from '@tmcp-sessions/core/internal';

import { exceeds, utf8Length } from './storage.ts';

/** A row to be removed. */
type RemovedEvents = { stream: string; first: number; bytes: number };

/** Stores the events of calls in SQLite, in one row for each `keep` unless they need more. */
export class SqlCallLog {
	readonly #sql: SqlStorage;
	readonly #bounds: LogBounds;
	/** Counted once after each wake-up. */
	#size: LogSize | undefined;
	/** Sessions that may have stored events. Read when it is needed, after each wake-up and `prune`. */
	#sessions: Set<string> | undefined;

	constructor(sql: SqlStorage, bounds: LogBounds) {
		this.#sql = sql;
		this.#bounds = bounds;
	}

	/**
	 * Stores events of a call.
	 *
	 * @param client a hash of the client, whose calls share the log with those of others.
	 * @returns those that were not stored before.
	 */
	keep(
		session: string,
		events: CallEvents,
		nowMs: number,
		client?: string,
	): CallEvents | undefined {
		const added = unstoredEvents(events, this.#endOf(session, events.stream));
		if (!added) return undefined;
		const size = this.#currentSize();
		this.#sessions?.add(session);
		for (const { stream, first, frames, isComplete } of splitIntoRows(added)) {
			const text = JSON.stringify(frames);
			this.#sql.exec(
				`INSERT OR REPLACE INTO tmcp_calls
					(stream, first, at_ms, session, frames, is_complete, client)
					VALUES (?, ?, ?, ?, ?, ?, ?)`,
				stream,
				first,
				nowMs,
				session,
				text,
				isComplete ? 1 : 0,
				client ?? null,
			);
			size.messages += 1;
			size.bytes += utf8Length(text);
		}
		if (needsPruning(size, this.#bounds)) this.#pruneBeyondBounds(size);
		return added;
	}

	/** Returns whether the response to a session's call is stored. */
	isComplete(session: string, stream: string): boolean {
		return this.#endOf(session, stream)?.isComplete === true;
	}

	/**
	 * Returns the stored events of a session's call after a sequence, in order, and possibly some before.
	 */
	eventsAfter(session: string, stream: string, sequence: number): CallEvents[] {
		return this.#sql
			.exec<{ first: number; frames: string; is_complete: number }>(
				`SELECT first, frames, is_complete FROM tmcp_calls
					WHERE stream = ?1 AND session = ?2 AND first >= ifnull(
						(SELECT max(first) FROM tmcp_calls WHERE stream = ?1 AND first <= ?3), 0
					) ORDER BY first`,
				stream,
				session,
				sequence + 1,
			)
			.toArray()
			.map((row) => ({
				stream,
				first: row.first,
				frames: JSON.parse(row.frames) as string[], // Safe because only `keep` writes it.
				isComplete: row.is_complete === 1,
			}));
	}

	/** Reads the last row of a call, by its key: a long call has many. */
	#endOf(session: string, stream: string): StoredCallEnd | undefined {
		const [last] = this.#sql.exec<{ next: number; is_complete: number }>(
			`SELECT first + json_array_length(frames) AS next, is_complete FROM tmcp_calls
				WHERE stream = ? AND session = ? ORDER BY first DESC LIMIT 1`,
			stream,
			session,
		);
		return last && { next: last.next, isComplete: last.is_complete === 1 };
	}

	/** Deletes the events of all calls of a session. Reads the log only if there may be any. */
	delete(session: string): void {
		this.#sessions ??= this.#allSessions();
		if (!this.#sessions.delete(session)) return;
		const size = this.#currentSize();
		const deleted = this.#sql.exec<{ bytes: number }>(
			'DELETE FROM tmcp_calls WHERE session = ? RETURNING octet_length(frames) AS bytes',
			session,
		);
		for (const { bytes } of deleted) {
			size.messages -= 1;
			size.bytes -= bytes;
		}
	}

	/**
	 * Deletes all events stored before a time and, if the log exceeds its bounds, the oldest of those who
	 * take most of it.
	 *
	 * @returns whether events remain, which have to be pruned later.
	 */
	prune(beforeMs: number): boolean {
		const size = this.#currentSize();
		const old = this.#sql
			.exec<RemovedEvents>(
				'SELECT stream, first, octet_length(frames) AS bytes FROM tmcp_calls WHERE at_ms < ?',
				beforeMs,
			)
			.toArray();
		this.#remove(old, size);
		if (exceeds(size, this.#bounds)) this.#pruneBeyondBounds(size);
		this.#sessions = undefined;
		return size.messages > 0;
	}

	#pruneBeyondBounds(size: LogSize): void {
		const oldestFirst = this.#sql
			.exec<RemovedEvents & { client: string; session: string }>(
				`SELECT stream, first, octet_length(frames) AS bytes, session, ifnull(client, '') AS client
					FROM tmcp_calls ORDER BY at_ms, first`,
			)
			.toArray();
		this.#remove(entriesBeyond(oldestFirst, this.#bounds), size);
	}

	#remove(removed: Iterable<RemovedEvents>, size: LogSize): void {
		for (const { stream, first, bytes } of removed) {
			this.#sql.exec('DELETE FROM tmcp_calls WHERE stream = ? AND first = ?', stream, first);
			size.messages -= 1;
			size.bytes -= bytes;
		}
	}

	#allSessions(): Set<string> {
		const rows = this.#sql.exec<{ session: string }>('SELECT DISTINCT session FROM tmcp_calls');
		return new Set([...rows].map(({ session }) => session));
	}

	#currentSize(): LogSize {
		this.#size ??= this.#sql
			.exec<LogSize>(
				'SELECT count(*) AS messages, ifnull(sum(octet_length(frames)), 0) AS bytes FROM tmcp_calls',
			)
			.one();
		return this.#size;
	}
}

/** Splits events into batches that fit into one row each. */
function* splitIntoRows({ stream, first, frames, isComplete }: CallEvents): Generator<CallEvents> {
	let batch: string[] = [];
	let batchFirst = first;
	let bytes = 0;
	for (const [index, frame] of frames.entries()) {
		const sequence = first + index;
		const stored = fitIntoRow(stream, sequence, frame);
		const length = utf8Length(JSON.stringify(stored)) + 1;
		if (bytes + length > MAX_ROW_BYTES) {
			yield { stream, first: batchFirst, frames: batch, isComplete: false };
			batch = [];
			batchFirst = sequence;
			bytes = 0;
		}
		batch.push(stored);
		bytes += length;
	}
	yield { stream, first: batchFirst, frames: batch, isComplete };
}

/** Returns the frame, or the announcement of a gap in its place if no row can hold it. */
function fitIntoRow(stream: string, sequence: number, frame: string): string {
	if (utf8Length(JSON.stringify(frame)) < MAX_ROW_BYTES) return frame;
	const text = gapText('a message was too large to be stored', 1);
	return gapFrame({ stream, sequence }, text);
}
