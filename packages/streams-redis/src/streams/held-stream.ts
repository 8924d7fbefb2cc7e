import { BoundedStream, closeStream, closingFrame } from '@tmcp-sessions/core/backend';
import { gapOf, isStreamOpen, stalledError, withoutPriming } from '@tmcp-sessions/core/internal';

import type { RedisEvent } from '../process/redis-event.ts';
import { PACKAGE } from '../package-name.ts';
import { createStreamError } from '../stream-error.ts';

/** What a stream needs of the manager that holds it. */
export interface HeldStreamOptions {
	/** The session, URI encoded. */
	readonly session: string;
	readonly controller: ReadableStreamDefaultController;
	/** Whether the client knows priming events and closing frames. */
	readonly knowsPolling: boolean;
	readonly report: (cause: unknown) => void;
	/** Removes the stream from its manager and from Redis. */
	readonly release: () => void;
}

/** Holds the stream of a client. While it reads what the client missed, later events wait. */
export abstract class HeldStream {
	readonly id: string = crypto.randomUUID();
	readonly session: string;
	/** Called once, when the stream is released. */
	onRelease: (() => void) | undefined;
	readonly #options: HeldStreamOptions;
	readonly #stream: BoundedStream;
	#waiting: RedisEvent[] | undefined = [];
	/** Counts the losses of the subscription. */
	#turn = 0;
	#joined: Promise<void> = Promise.resolve();
	#isReleased = false;

	constructor(options: HeldStreamOptions) {
		this.session = options.session;
		this.#options = options;
		this.#stream = new BoundedStream(options.controller);
	}

	get isReleased(): boolean {
		return this.#isReleased;
	}

	/** Whether the client has not disconnected. Writes a comment to find out. */
	isClientConnected(): boolean {
		return isStreamOpen(this.#options.controller);
	}

	/**
	 * Lets events wait until the next `catchUp`. Call it as soon as the subscription is lost: the first
	 * event of the next one may arrive before the stream has read what it missed.
	 */
	startWaiting(): void {
		this.#waiting ??= [];
		this.#turn += 1;
	}

	/**
	 * Registers the stream in Redis and writes what its client missed. Call it again after the
	 * subscription of the process was lost.
	 */
	async catchUp(): Promise<void> {
		this.startWaiting();
		const turn = this.#turn;
		// One at a time: each continues where the one before has ended.
		const joined = this.#joined.then(() => (this.#isReleased ? undefined : this.join()));
		this.#joined = joined.catch(() => {}); // The caller handles it.
		await joined;
		// The subscription may have been lost again meanwhile.
		if (turn !== this.#turn || !this.#waiting) return;
		const waiting = this.#waiting;
		this.#waiting = undefined;
		for (const event of waiting) this.handle(event);
	}

	/** Handles an event of Redis, now or after the stream has caught up. */
	handle(event: RedisEvent): void {
		if (this.#isReleased) return;
		if (this.#waiting) this.#waiting.push(event);
		else this.receive(event);
	}

	/** Catches up although the subscription was not lost. `event` is handled afterwards. */
	catchUpBefore(event: RedisEvent): void {
		if (this.#waiting) return void this.#waiting.push(event);
		this.#waiting = [event];
		this.catchUp().catch((error: unknown) => this.endEarly(error));
	}

	/** Ends a stream that its client may open again, and reports why if there is a reason. */
	endEarly(reason?: unknown): void {
		if (this.#isReleased) return;
		if (reason !== undefined) this.report(createStreamError('holding a stream', reason));
		this.closeEarly();
		this.#release();
	}

	/** Closes a stream that its client may open again. Its manager releases it. */
	closeEarly(): void {
		if (this.#options.knowsPolling) this.#stream.write(closingFrame());
		closeStream(this.#options.controller);
	}

	/** Ends a stream that is complete. */
	end(): void {
		closeStream(this.#options.controller);
		this.#release();
	}

	/** Marks the stream as removed from its manager. */
	markReleased(): void {
		this.#isReleased = true;
		this.#waiting = undefined;
		this.clearTimers();
		const { onRelease } = this;
		this.onRelease = undefined;
		onRelease?.();
	}

	/** The key of the stream in Redis, without the prefix. */
	abstract get lease(): string;

	/** Registers the stream in Redis, and writes what its client missed. */
	protected abstract join(): Promise<void>;

	/** Handles an event in order. */
	protected abstract receive(event: RedisEvent): void;

	protected abstract clearTimers(): void;

	protected report(cause: unknown): void {
		this.#options.report(cause);
	}

	/**
	 * Writes frames. Disconnects a client that does not read: it reconnects for what the log stores.
	 *
	 * @returns whether all of them were taken.
	 */
	protected write(frames: readonly string[], isReplayed = false): boolean {
		for (const frame of frames) {
			const gap = gapOf(frame);
			if (gap) this.report(createStreamError('resuming a stream', gap));
			const written = this.#options.knowsPolling ? frame : withoutPriming(frame);
			const outcome = this.#stream.write(written, isReplayed);
			if (outcome === 'taken') continue;
			if (outcome === 'full') {
				const error = stalledError(PACKAGE);
				this.#stream.cut(error);
				this.report(error);
			}
			this.#release();
			return false;
		}
		return true;
	}

	#release(): void {
		if (!this.#isReleased) this.#options.release();
	}
}
