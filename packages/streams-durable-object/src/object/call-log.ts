import { gapFrame, MAX_ROW_BYTES } from '@tmcp-sessions/core/backend';
import type { CallEvents } from '@tmcp-sessions/core/backend';
import { gapText, unstoredEvents } from '@tmcp-sessions/core/internal';
import type { LogBounds } from '@tmcp-sessions/core/internal';

import { exceeds, PRUNE_MARGIN, utf8Length } from './storage.ts';
import type { LogSize } from './storage.ts';

/** Stores the events of calls in SQLite, in one row for each `keep` unless they need more. */
export class SqlCallLog {
	readonly #sql: SqlStorage;
	readonly #bounds: LogBounds;
	/** Counted once after each wake-up. */
	#size: LogSize | undefined;

	constructor(sql: SqlStorage, bounds: LogBounds) {
		this.#sql = sql;
		this.#bounds = bounds;
	}

	/** Stores events of a call. @returns those that were not stored before. */
	keep(session: string, events: CallEvents, nowMs: number): CallEvents | undefined {
		const added = unstoredEvents(events, this.eventsOf(session, events.stream));
		if (!added) return undefined;
		const size = this.#currentSize();
		for (const { stream, first, frames, isComplete } of splitIntoRows(added)) {
			const text = JSON.stringify(frames);
			this.#sql.exec(
				'INSERT OR REPLACE INTO tmcp_calls VALUES (?, ?, ?, ?, ?, ?)',
				stream,
				first,
				nowMs,
				session,
				text,
				isComplete ? 1 : 0,
			);
			size.messages += 1;
			size.bytes += utf8Length(text);
		}
		if (exceeds(size, this.#bounds, PRUNE_MARGIN)) this.prune(0);
		return added;
	}

	/** Returns whether the response to a session's call is stored. */
	isComplete(session: string, stream: string): boolean {
		const found = this.#sql.exec(
			'SELECT 1 FROM tmcp_calls WHERE stream = ? AND session = ? AND is_complete = 1',
			stream,
			session,
		);
		return found.toArray().length > 0;
	}

	/** Returns the stored events of a session's call, in order. */
	eventsOf(session: string, stream: string): CallEvents[] {
		return this.#sql
			.exec<{ first: number; frames: string; is_complete: number }>(
				`SELECT first, frames, is_complete FROM tmcp_calls
					WHERE stream = ? AND session = ? ORDER BY first`,
				stream,
				session,
			)
			.toArray()
			.map((row) => ({
				stream,
				first: row.first,
				frames: JSON.parse(row.frames) as string[], // Safe because only `keep` writes it.
				isComplete: row.is_complete === 1,
			}));
	}

	/** Deletes the events of all calls of a session. */
	delete(session: string): void {
		this.#size = undefined;
		this.#sql.exec('DELETE FROM tmcp_calls WHERE session = ?', session);
	}

	/**
	 * Deletes the oldest events while the log exceeds its bounds, and all events stored before a time.
	 *
	 * @returns whether events remain, which have to be pruned later.
	 */
	prune(beforeMs: number): boolean {
		const size = this.#currentSize();
		const oldestFirst = this.#sql
			.exec<{ stream: string; first: number; at_ms: number; bytes: number }>(
				`SELECT stream, first, at_ms, octet_length(frames) AS bytes FROM tmcp_calls
					ORDER BY at_ms, first`,
			)
			.toArray();
		for (const { stream, first, at_ms: atMs, bytes } of oldestFirst) {
			if (!exceeds(size, this.#bounds) && atMs >= beforeMs) break;
			this.#sql.exec('DELETE FROM tmcp_calls WHERE stream = ? AND first = ?', stream, first);
			size.messages -= 1;
			size.bytes -= bytes;
		}
		return size.messages > 0;
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
