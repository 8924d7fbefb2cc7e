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

/** A log in the memory of one process. */
export class InMemoryMessageLog implements MessageLog {
	readonly shard = '0';
	#epoch: string | undefined;
	readonly #bounds: LogBounds;
	readonly #now: () => number;
	readonly #histories = new Map<string, ChannelHistory>();
	/** The sessions without a stream, and since when: those first that have had none for longest. */
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

	/** Not before it is asked for: Workers allow no random values at module scope. */
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

	/** Says whether a session has a stream: without one it is forgotten when its messages are. */
	setOpen(session: string, isOpen: boolean): void {
		this.#idle.delete(session);
		if (!isOpen && this.#histories.has(session)) this.#idle.set(session, this.#now());
	}

	/** Lets go of what is over the bounds. */
	prune(): void {
		const { messages, bytes, ageMs } = this.#bounds;
		const since = this.#now() - ageMs;
		let kept = this.#entries.length;
		for (const { sequence, sessions, frame, atMs } of this.#entries) {
			if (kept <= messages && this.#bytes <= bytes && atMs >= since) break;
			kept -= 1;
			this.#bytes -= frame.length;
			if (!sessions) this.#lostToAll = sequence;
			for (const session of sessions ?? []) {
				const history = this.#histories.get(session);
				if (history) this.#histories.set(session, withLossUpTo(history, sequence));
			}
		}
		this.#entries = kept > 0 ? this.#entries.slice(-kept) : [];
		for (const [session, idleMs] of this.#idle) {
			if (idleMs >= since) break;
			this.forget(session);
		}
	}
}

interface KeptCall {
	readonly session: string;
	readonly events: CallEvents;
	readonly atMs: number;
}

/** What calls have said, in the memory of one process. */
export class InMemoryCallLog {
	readonly #bounds: LogBounds;
	readonly #now: () => number;
	#kept: KeptCall[] = [];

	constructor(bounds: LogBounds, now: () => number) {
		this.#bounds = bounds;
		this.#now = now;
	}

	/** @returns what was not kept before. */
	keep(session: string, events: CallEvents): CallEvents | undefined {
		const added = unstoredEvents(events, this.of(session, events.stream));
		if (added) this.#kept.push({ session, events: added, atMs: this.#now() });
		this.#prune();
		return added;
	}

	of(session: string, stream: string): CallEvents[] {
		return this.#kept
			.filter((call) => call.session === session && call.events.stream === stream)
			.map(({ events }) => events);
	}

	forget(session: string): void {
		this.#kept = this.#kept.filter((call) => call.session !== session);
	}

	#prune(): void {
		const since = this.#now() - this.#bounds.ageMs;
		let messages = 0;
		let bytes = 0;
		const first = this.#kept.findLastIndex(({ events, atMs }) => {
			messages += 1;
			bytes += events.frames.reduce((sum, { length }) => sum + length, 0);
			return atMs < since || messages > this.#bounds.messages || bytes > this.#bounds.bytes;
		});
		this.#kept = this.#kept.slice(first + 1);
	}
}
