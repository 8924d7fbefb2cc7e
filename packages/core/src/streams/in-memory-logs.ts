import { unstoredEvents } from './call-log.ts';
import type { StoredCallEnd } from './call-log.ts';
import { withLossUpTo } from './channel-history.ts';
import type { ChannelHistory } from './channel-history.ts';
import { entriesBeyond, needsPruning } from './fair-share.ts';
import type { SharedEntry } from './fair-share.ts';
import type { LogBounds, LoggedMessage, MessageLog } from './message-log.ts';
import type { CallEvents } from '../extensions/resumable-streams.ts';

interface Entry extends LoggedMessage, SharedEntry {
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
	/** The clients of sessions with a history. */
	readonly #clients = new Map<string, string>();
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
		const [session = ''] = named?.size === 1 ? named : [];
		const client = this.#clients.get(session) ?? '';
		const entry = { sequence, frame, sessions: named, session, client, bytes: frame.length };
		this.#entries.push({ ...entry, atMs: this.#now() });
		this.#bytes += frame.length;
		this.prune();
		return sequence;
	}

	newest(): number {
		return this.#newest;
	}

	pruned(): number {
		return (this.#entries[0]?.sequence ?? this.#newest + 1) - 1;
	}

	lostToMany(): number {
		return this.#lostToAll;
	}

	since(session: string, sequence: number): LoggedMessage[] {
		return this.#entries.filter(
			({ sequence: at, sessions }) => at > sequence && (sessions?.has(session) ?? true),
		);
	}

	historyOf(session: string): ChannelHistory | undefined {
		return this.#histories.get(session);
	}

	saveHistory(session: string, history: ChannelHistory, client?: string): void {
		this.#histories.set(session, history);
		if (client) this.#clients.set(session, client);
	}

	forget(session: string): void {
		this.#histories.delete(session);
		this.#clients.delete(session);
		this.#idle.delete(session);
	}

	/** Sets whether a session has a stream. Without one, it is forgotten when its messages expire. */
	setOpen(session: string, isOpen: boolean): void {
		this.#idle.delete(session);
		if (!isOpen && this.#histories.has(session)) this.#idle.set(session, this.#now());
	}

	/** Removes what is too old, and what exceeds the bounds: the oldest of those who take most. */
	prune(): void {
		const since = this.#now() - this.#bounds.ageMs;
		const young = this.#entries.findIndex(({ atMs }) => atMs >= since);
		this.#remove(new Set(this.#entries.slice(0, young < 0 ? undefined : young)));
		if (needsPruning({ messages: this.#entries.length, bytes: this.#bytes }, this.#bounds))
			this.#remove(entriesBeyond(this.#entries, this.#bounds));
		for (const [session, idleMs] of this.#idle) {
			if (idleMs >= since) break;
			this.forget(session);
		}
	}

	#remove(removed: ReadonlySet<Entry>): void {
		if (removed.size === 0) return;
		for (const { sequence, sessions, bytes } of this.#entries.filter((each) => removed.has(each))) {
			this.#bytes -= bytes;
			if (!sessions) this.#lostToAll = sequence;
			for (const session of sessions ?? []) {
				const history = this.#histories.get(session);
				if (history) this.#histories.set(session, withLossUpTo(history, sequence));
			}
		}
		this.#entries = this.#entries.filter((entry) => !removed.has(entry));
	}
}

interface StoredCallEvents extends SharedEntry {
	readonly events: CallEvents;
	readonly atMs: number;
}

interface StoredCall {
	readonly entries: Set<StoredCallEvents>;
	end: StoredCallEnd;
}

/** Stores the events of calls in the memory of one process, at a cost that does not grow with their number. */
export class InMemoryCallLog {
	readonly #bounds: LogBounds;
	readonly #now: () => number;
	/** Oldest first. */
	readonly #entries = new Set<StoredCallEvents>();
	#bytes = 0;
	/** The calls with entries: of each session, by stream. */
	readonly #calls = new Map<string, Map<string, StoredCall>>();

	constructor(bounds: LogBounds, now: () => number) {
		this.#bounds = bounds;
		this.#now = now;
	}

	/** @returns the events that were not stored before. */
	keep(session: string, events: CallEvents, client = ''): CallEvents | undefined {
		const added = unstoredEvents(events, this.#callOf(session, events.stream)?.end);
		if (added) {
			const bytes = added.frames.reduce((total, { length }) => total + length, 0);
			this.#add({ session, client, bytes, events: added, atMs: this.#now() });
		}
		this.#prune();
		return added;
	}

	/** Whether the response to a call is stored. */
	isComplete(session: string, stream: string): boolean {
		return this.#callOf(session, stream)?.end.isComplete === true;
	}

	of(session: string, stream: string): CallEvents[] {
		return [...(this.#callOf(session, stream)?.entries ?? [])].map(({ events }) => events);
	}

	forget(session: string): void {
		for (const { entries } of this.#calls.get(session)?.values() ?? []) this.#remove(entries);
	}

	#callOf(session: string, stream: string): StoredCall | undefined {
		return this.#calls.get(session)?.get(stream);
	}

	#add(entry: StoredCallEvents): void {
		const { session, bytes, events } = entry;
		const { stream, first, frames, isComplete } = events;
		const end = { next: first + frames.length, isComplete };
		const calls = this.#calls.get(session) ?? new Map<string, StoredCall>();
		const call = calls.get(stream) ?? { entries: new Set(), end };
		call.entries.add(entry);
		call.end = end;
		this.#calls.set(session, calls.set(stream, call));
		this.#entries.add(entry);
		this.#bytes += bytes;
	}

	/** Removes what is too old, and what exceeds the bounds: the oldest of those who take most. */
	#prune(): void {
		const since = this.#now() - this.#bounds.ageMs;
		for (const entry of this.#entries) {
			if (entry.atMs >= since) break;
			this.#remove([entry]);
		}
		if (needsPruning({ messages: this.#entries.size, bytes: this.#bytes }, this.#bounds))
			this.#remove(entriesBeyond([...this.#entries], this.#bounds));
	}

	#remove(removed: Iterable<StoredCallEvents>): void {
		for (const entry of removed) {
			const { session, bytes, events } = entry;
			this.#entries.delete(entry);
			this.#bytes -= bytes;
			const calls = this.#calls.get(session);
			const call = calls?.get(events.stream);
			call?.entries.delete(entry);
			if (call?.entries.size === 0) calls?.delete(events.stream);
			if (calls?.size === 0) this.#calls.delete(session);
		}
	}
}
