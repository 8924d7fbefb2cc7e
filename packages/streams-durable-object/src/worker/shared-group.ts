import { loggedFrame } from '@tmcp-sessions/core/internal';

import type { GroupMessage, StreamCount } from '../wire/stream-messages.ts';

/** How many streams of a group have their own sockets, which the others share. */
const MAX_CARRIERS = 3;

/** How often a stream checks its group. */
export const HOLDER_CHECK_MS = 5_000;
export const MEMBER_CHECK_MS = 15_000;

/** After this time without a check, the request that holds a socket is considered dead. */
const DEAD_HOLDER_MS = 3 * HOLDER_CHECK_MS;
const DEAD_MEMBER_MS = 2.5 * MEMBER_CHECK_MS;

/** How long a stream waits for a socket that another one is opening. */
const OPENING_MS = 2_000;

/** After how many messages another request receives them: each message takes CPU time of its request. */
const MESSAGES_PER_HOLDER = 1_024;

/**
 * What a stream has to do, in its own request: `check` that another socket has taken over, `rejoin` on
 * another socket, or `carry`: open a socket that others can share. A number is the code of a final close.
 */
export type PlaceSignal = 'carry' | 'check' | 'rejoin' | number;

/** A stream of a group. Its methods are called in any request. */
export interface GroupedStream {
	/** Receives a frame. An empty one is the number of the frames that were sent. */
	readonly receive: (number: number, frame: string) => void;
	readonly signal: (signal: PlaceSignal) => void;
	/** Whether the stream still accepts frames. Its request may have ended without leaving the place. */
	readonly isOpen: () => boolean;
	/** Whether its request takes no frames. */
	readonly isStuck: () => boolean;
}

interface Member {
	readonly stream: GroupedStream;
	/** The member whose socket it shares. */
	via?: number | undefined;
	/** Whether it holds a socket that others can share. */
	isHolder?: boolean;
	/** `undefined` if it does not share sockets. */
	checkedAtMs?: number | undefined;
}

/** Queues the members that have ended, for the request that holds a socket. */
export class EndedMembers {
	#members: number[] = [];
	#isClosed = false;
	#wake: (() => void) | undefined;

	push(member: number): void {
		if (this.#isClosed) return;
		this.#members.push(member);
		this.#wakeRequest();
	}

	close(): void {
		this.#isClosed = true;
		this.#wakeRequest();
	}

	/** Waits for members, in the request that holds the socket. @returns `undefined` after `close`. */
	async take(): Promise<readonly number[] | undefined> {
		if (this.#members.length === 0 && !this.#isClosed) {
			const { promise, resolve } = Promise.withResolvers<void>();
			this.#wake = resolve;
			await promise;
		}
		return this.#isClosed ? undefined : this.#members.splice(0);
	}

	#wakeRequest(): void {
		this.#wake?.();
		this.#wake = undefined;
	}
}

/** A socket that streams of a group share. */
interface Carrier {
	readonly holder: number;
	readonly ended: EndedMembers;
	isOpen: boolean;
	aliveAtMs: number;
	messages: number;
	/** Whether another stream opens a socket to replace it. */
	isRetiring: boolean;
}

/** The streams of an isolate that share sockets to an object. Holds plain data: any request may use it. */
export class SharedGroup {
	readonly name: string;
	readonly #now: () => number;
	readonly #members = new Map<number, Member>();
	#carriers: Carrier[] = [];
	/** Those that wait for a socket to open. */
	#waiting: (() => void)[] = [];

	/** @param now returns the time in milliseconds since the epoch. */
	constructor(name: string, now: () => number = Date.now) {
		this.name = name;
		this.#now = now;
	}

	get size(): number {
		return this.#members.size;
	}

	add(member: number, stream: GroupedStream): void {
		this.#members.set(member, { stream });
	}

	has(member: number): boolean {
		return this.#members.has(member);
	}

	/** Removes streams that have ended without leaving. */
	removeEnded(): void {
		for (const [member, { stream }] of this.#members) if (!stream.isOpen()) this.remove(member);
	}

	/** Removes a stream, and the socket that it holds. */
	remove(member: number): void {
		const removed = this.#members.get(member);
		if (!removed) return;
		this.#members.delete(member);
		if (removed.via !== undefined) this.reportEnded(member);
		const carrier = this.#carriers.find(({ holder }) => holder === member);
		if (carrier) this.#lose(carrier);
	}

	/** Tells the object that a stream has ended, on any socket. */
	reportEnded(member: number): void {
		this.#carriers.find(({ isOpen }) => isOpen)?.ended.push(member);
	}

	/**
	 * Decides how a stream connects, in its request.
	 *
	 * @param mustCarry whether it opens a socket even if the group has enough.
	 * @returns the member whose socket it shares; `undefined` if it opens its own.
	 */
	async connect(member: number, mustCarry: boolean): Promise<number | undefined> {
		let via = mustCarry ? undefined : this.#shareable();
		if (via === undefined && !mustCarry && !this.#needsSocket()) {
			await this.#untilOpen();
			via = this.#shareable();
		}
		const own = this.#members.get(member);
		// It may have left meanwhile.
		if (!own) return undefined;
		const nowMs = this.#now();
		own.via = via;
		own.isHolder = via === undefined;
		own.checkedAtMs = nowMs;
		if (via !== undefined) return via;
		this.#carriers.push({
			holder: member,
			ended: new EndedMembers(),
			isOpen: false,
			aliveAtMs: nowMs,
			messages: 0,
			isRetiring: false,
		});
		return undefined;
	}

	/**
	 * Records that the socket of a stream is open.
	 *
	 * @param isShared whether the release of the object lets others share it.
	 * @returns the queue of members that have ended.
	 */
	handleOpen(member: number, isShared: boolean): EndedMembers | undefined {
		const own = this.#members.get(member);
		const carrier = this.#carriers.find(({ holder }) => holder === member);
		if (!carrier || !own) return undefined;
		if (!isShared) {
			own.isHolder = false;
			own.checkedAtMs = undefined;
			this.#lose(carrier);
			return undefined;
		}
		carrier.isOpen = true;
		carrier.aliveAtMs = this.#now();
		this.#wakeWaiting();
		for (const retiring of this.#carriers) {
			if (retiring.isRetiring) this.#members.get(retiring.holder)?.stream.signal('rejoin');
		}
		return carrier.ended;
	}

	/** Records that a socket is lost, or that the object does not know it. */
	handleLoss(holder: number): void {
		const carrier = this.#carriers.find((each) => each.holder === holder);
		if (carrier) this.#lose(carrier);
	}

	/** Whether the socket that a stream uses is open, as far as it is known. */
	isConnected(member: number): boolean {
		const via = this.#members.get(member)?.via ?? member;
		return this.#carriers.some(({ holder, isOpen }) => holder === via && isOpen);
	}

	/** Gives each receiver its frame. Reports those that have ended. */
	distribute(holder: number | undefined, { to, frame, sequence, ...log }: GroupMessage): void {
		const carrier = this.#carriers.find((each) => each.holder === holder);
		if (carrier) carrier.messages += 1;
		for (const [member, number, channel] of to) {
			const stream = this.#members.get(member)?.stream;
			if (stream?.isStuck()) this.#removeDead(member, stream);
			else if (stream) stream.receive(number, loggedFrame(log, channel, sequence, frame));
			else carrier?.ended.push(member);
		}
	}

	/** Records that the object has moved streams from a closed socket to that of a holder. */
	handleMoved(holder: number, counts: readonly StreamCount[]): void {
		const carrier = this.#carriers.find((each) => each.holder === holder);
		for (const [member, sent] of counts) {
			const moved = this.#members.get(member);
			if (!moved) {
				carrier?.ended.push(member);
				continue;
			}
			const before = this.#carriers.find((each) => each.holder === moved.via && each !== carrier);
			moved.via = holder;
			// The request that held it has ended without a notice.
			if (before) this.#lose(before);
			moved.stream.receive(sent, '');
		}
		this.#replaceCarriers();
	}

	/** Ends a stream that shares a socket. */
	handleClosed(member: number, code: number): void {
		this.#members.get(member)?.stream.signal(code);
	}

	/** Checks the group for a stream, in its request. @returns what the stream has to do. */
	check(member: number): 'carry' | 'rejoin' | undefined {
		const nowMs = this.#now();
		const own = this.#members.get(member);
		if (!own) return 'rejoin';
		own.checkedAtMs = nowMs;
		const held = this.#carriers.find(({ holder }) => holder === member);
		if (held) {
			held.aliveAtMs = nowMs;
			held.isRetiring = false;
			for (const [each, { stream, checkedAtMs = nowMs }] of this.#members) {
				const isDead = checkedAtMs < nowMs - DEAD_MEMBER_MS || stream.isStuck();
				if (isDead) this.#removeDead(each, stream);
			}
			// A stream whose request has ended may have been asked to open a socket.
			this.#replaceCarriers();
		}
		for (const carrier of this.#carriers) {
			if (carrier.aliveAtMs < nowMs - DEAD_HOLDER_MS) this.#lose(carrier);
		}
		if (held) return undefined;
		if (own.via === undefined) return own.isHolder ? 'rejoin' : undefined;
		if (!this.isConnected(member)) return 'rejoin';
		const tired = this.#carriers.find(({ messages, isRetiring }) => {
			return messages >= MESSAGES_PER_HOLDER && !isRetiring;
		});
		if (!tired) return undefined;
		tired.isRetiring = true;
		return 'carry';
	}

	/** Removes a stream whose request has probably ended without a notice. Otherwise it joins again. */
	#removeDead(member: number, stream: GroupedStream): void {
		stream.signal('rejoin');
		this.remove(member);
	}

	#lose(carrier: Carrier): void {
		this.#carriers = this.#carriers.filter((each) => each !== carrier);
		carrier.ended.close();
		// The object has its streams share another open socket, if there is one.
		const canMove = this.#carriers.some(({ isOpen }) => isOpen);
		for (const [member, { stream, via }] of this.#members) {
			const isLost = via !== undefined && !this.isConnected(member);
			if (isLost && !canMove) stream.signal('rejoin');
			else if (via === carrier.holder) stream.signal('check');
		}
		this.#wakeWaiting();
		this.#replaceCarriers();
	}

	/** Has streams open sockets in place of lost ones: the newest, of which the fewest leave next. */
	#replaceCarriers(): void {
		const missing = Math.min(MAX_CARRIERS, this.size) - this.#carriers.length;
		if (missing <= 0) return;
		const sharing = [...this.#members.values()].filter(({ via }) => via !== undefined);
		for (const { stream } of sharing.slice(-missing)) stream.signal('carry');
	}

	#needsSocket(): boolean {
		return this.#carriers.length < Math.min(MAX_CARRIERS, this.size);
	}

	/** Returns the member whose socket the fewest streams share, if the group has enough sockets. */
	#shareable(): number | undefined {
		if (this.#needsSocket()) return undefined;
		const open = this.#carriers.filter(({ isOpen, isRetiring }) => isOpen && !isRetiring);
		const counts = Map.groupBy(this.#members.values(), ({ via }) => via);
		const countOf = ({ holder }: Carrier): number => counts.get(holder)?.length ?? 0;
		return open.toSorted((one, other) => countOf(one) - countOf(other))[0]?.holder;
	}

	/** Waits until the sockets are open that are opening, so that streams share them evenly. */
	async #untilOpen(): Promise<void> {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#waiting.push(resolve);
		const timer = setTimeout(resolve, OPENING_MS);
		await promise;
		clearTimeout(timer);
	}

	#wakeWaiting(): void {
		if (this.#carriers.some(({ isOpen }) => !isOpen)) return;
		for (const wake of this.#waiting.splice(0)) wake();
	}
}
