import { gapFrame } from '@tmcp-sessions/core/backend';
import type { CallEvents } from '@tmcp-sessions/core/backend';
import { gapText, RETRY_MS, unstoredEvents } from '@tmcp-sessions/core/internal';
import type { LogBounds } from '@tmcp-sessions/core/internal';

import { isOver, MARGIN, MAX_ROW_BYTES, utf8Length } from './storage.ts';
import type { LogSize } from './storage.ts';

/** What calls have said, in SQLite: one row for each time that something of one is kept. */
export class SqlCallLog {
	readonly #sql: SqlStorage;
	readonly #bounds: LogBounds;
	/** Counted once after each wake-up. */
	#size: LogSize | undefined;

	constructor(sql: SqlStorage, bounds: LogBounds) {
		this.#sql = sql;
		this.#bounds = bounds;
	}

	/** @returns what was not kept before. */
	keep(session: string, events: CallEvents, nowMs: number): CallEvents | undefined {
		const added = unstoredEvents(events, this.of(session, events.stream));
		if (!added) return undefined;
		const size = this.#sizeNow();
		for (const { stream, first, frames, isComplete } of rowsOf(added)) {
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
		if (isOver(size, this.#bounds, MARGIN)) this.prune(0);
		return added;
	}

	/** What the session's call has said, in order. */
	of(session: string, stream: string): CallEvents[] {
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
				frames: JSON.parse(row.frames) as string[], // Sound: nothing but `keep` writes it.
				isComplete: row.is_complete === 1,
			}));
	}

	forget(session: string): void {
		this.#size = undefined;
		this.#sql.exec('DELETE FROM tmcp_calls WHERE session = ?', session);
	}

	/**
	 * Lets go of what is over the bounds, and of all that was kept before this time.
	 *
	 * @returns whether there is more that will have to go.
	 */
	prune(beforeMs: number): boolean {
		const size = this.#sizeNow();
		const oldestFirst = this.#sql
			.exec<{ stream: string; first: number; at_ms: number; bytes: number }>(
				`SELECT stream, first, at_ms, octet_length(frames) AS bytes FROM tmcp_calls
					ORDER BY at_ms, first`,
			)
			.toArray();
		for (const { stream, first, at_ms: atMs, bytes } of oldestFirst) {
			if (!isOver(size, this.#bounds) && atMs >= beforeMs) break;
			this.#sql.exec('DELETE FROM tmcp_calls WHERE stream = ? AND first = ?', stream, first);
			size.messages -= 1;
			size.bytes -= bytes;
		}
		return size.messages > 0;
	}

	#sizeNow(): LogSize {
		this.#size ??= this.#sql
			.exec<LogSize>(
				'SELECT count(*) AS messages, ifnull(sum(octet_length(frames)), 0) AS bytes FROM tmcp_calls',
			)
			.one();
		return this.#size;
	}
}

/** In parts that fit into a row. A frame that fits into none is kept as the gap that it leaves. */
function* rowsOf({ stream, first, frames, isComplete }: CallEvents): Generator<CallEvents> {
	let part: string[] = [];
	let partFirst = first;
	let bytes = 0;
	for (const [index, frame] of frames.entries()) {
		const sequence = first + index;
		const kept = fitting(stream, sequence, frame);
		const length = utf8Length(JSON.stringify(kept)) + 1;
		if (bytes + length > MAX_ROW_BYTES) {
			yield { stream, first: partFirst, frames: part, isComplete: false };
			part = [];
			partFirst = sequence;
			bytes = 0;
		}
		part.push(kept);
		bytes += length;
	}
	yield { stream, first: partFirst, frames: part, isComplete };
}

function fitting(stream: string, sequence: number, frame: string): string {
	if (utf8Length(JSON.stringify(frame)) < MAX_ROW_BYTES) return frame;
	const text = gapText('a message was too large to be stored', 1);
	return gapFrame({ stream, sequence }, RETRY_MS, text);
}
