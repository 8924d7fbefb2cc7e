import { unstoredEvents } from './call-log.ts';
import { withLossUpTo } from './channel-history.ts';
import type { ChannelHistory } from './channel-history.ts';
import type { LogBounds, LoggedMessage, MessageLog } from './message-log.ts';
import type { CallEvents } from '../extensions/resumable-streams.ts';

interface Entry extends LoggedMessage {
	readonly frame: string;
	readonly sessions: ReadonlySet<string> | undefined;
	readonly atMs: number;
}

/** Stores the messages of sessions in the memory of one process. */
export class InMemoryMessageLog implements MessageLog {
	readonly shard = '0';
	#epoch: string | undefined;
	readonly #bounds: LogBounds;
	readonly #now: () => number;
	readonly #histories = new Map<string, ChannelHistory>();
	/** The sessions without a stream, with the time of their last one, ordered by that time. */
	readonly #idle = new Map<string, number>();
	/** Oldest first. */
	#entries: Entry[] = [];
	#newest = 0;
	#bytes = 0;
	#lostToAll = 0;

	constructor(bounds: LogBounds, now: () => number) {
		this.#bounds = bounds;
		this.#now = now;
	}

	/** Created at first use, because Workers allow no random values at module scope. */
	get epoch(): string {
		return (this.#epoch ??= crypto.randomUUID().slice(0, 8));
	}

	append(sessions: readonly string[] | undefined, frame: string): number {
		const sequence = ++this.#newest;
		const named = sessions && new Set(sessions);
		this.#entries.push({ sequence, frame, sessions: named, atMs: this.#now() });
		this.#bytes += frame.length;
		this.prune();
		return sequence;
	}

	newest(): number {
		return this.#newest;
	}

	pruned(): number {
		return this.#newest - this.#entries.length;
	}

	lostToMany(): number {
		return this.#lostToAll;
	}

	since(session: string, sequence: number): LoggedMessage[] {
		return this.#entries
			.slice(Math.max(0, sequence - this.pruned()))
			.filter(({ sessions }) => sessions?.has(session) ?? true);
	}

	historyOf(session: string): ChannelHistory | undefined {
		return this.#histories.get(session);
	}

	saveHistory(session: string, history: ChannelHistory): void {
		this.#histories.set(session, history);
	}

	forget(session: string): void {
		this.#histories.delete(session);
		this.#idle.delete(session);
	}

	/** Sets whether a session has a stream. Without one, it is forgotten when its messages expire. */
	setOpen(session: string, isOpen: boolean): void {
		this.#idle.delete(session);
		if (!isOpen && this.#histories.has(session)) this.#idle.set(session, this.#now());
	}

	/** Removes what exceeds the bounds. */
	prune(): void {
		const { messages, bytes, ageMs } = this.#bounds;
		const since = this.#now() - ageMs;
		let remaining = this.#entries.length;
		for (const { sequence, sessions, frame, atMs } of this.#entries) {
			if (remaining <= messages && this.#bytes <= bytes && atMs >= since) break;
			remaining -= 1;
			this.#bytes -= frame.length;
			if (!sessions) this.#lostToAll = sequence;
			for (const session of sessions ?? []) {
				const history = this.#histories.get(session);
				if (history) this.#histories.set(session, withLossUpTo(history, sequence));
			}
		}
		this.#entries = remaining > 0 ? this.#entries.slice(-remaining) : [];
		for (const [session, idleMs] of this.#idle) {
			if (idleMs >= since) break;
			this.forget(session);
		}
	}
}

interface StoredCallEvents {
	readonly session: string;
	readonly events: CallEvents;
	readonly atMs: number;
}

/** Stores the events of calls in the memory of one process. */
export class InMemoryCallLog {
	readonly #bounds: LogBounds;
	readonly #now: () => number;
	#stored: StoredCallEvents[] = [];

	constructor(bounds: LogBounds, now: () => number) {
		this.#bounds = bounds;
		this.#now = now;
	}

	/** @returns the events that were not stored before. */
	keep(session: string, events: CallEvents): CallEvents | undefined {
		const added = unstoredEvents(events, this.of(session, events.stream));
		if (added) this.#stored.push({ session, events: added, atMs: this.#now() });
		this.#prune();
		return added;
	}

	/** Whether the response to a call is stored. */
	isComplete(session: string, stream: string): boolean {
		return this.of(session, stream).some(({ isComplete }) => isComplete);
	}

	of(session: string, stream: string): CallEvents[] {
		return this.#stored
			.filter((call) => call.session === session && call.events.stream === stream)
			.map(({ events }) => events);
	}

	forget(session: string): void {
		this.#stored = this.#stored.filter((call) => call.session !== session);
	}

	#prune(): void {
		const since = this.#now() - this.#bounds.ageMs;
		let messages = 0;
		let bytes = 0;
		const first = this.#stored.findLastIndex(({ events, atMs }) => {
			messages += 1;
			bytes += events.frames.reduce((sum, { length }) => sum + length, 0);
			return atMs < since || messages > this.#bounds.messages || bytes > this.#bounds.bytes;
		});
		this.#stored = this.#stored.slice(first + 1);
	}
}
