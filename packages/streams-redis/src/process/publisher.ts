import { sleep } from '@tmcp-sessions/core/backend';
import { isConnectionLoss } from '@tmcp-sessions/redis';
import type { RedisReply } from '@tmcp-sessions/redis';

import { backoffMs } from './backoff.ts';
import type { ScriptBounds } from '../scripts/script-bounds.ts';
import { sizeProblem } from '../limits.ts';

/** How long a batch is tried again after the connection was lost. */
const RETRY_MS = 30_000;
/** A batch fits into one request to Upstash. */
const MAX_BATCH_LENGTH = 600_000;
const MAX_BATCH_MESSAGES = 100;
/** The most messages that wait for Redis. */
const MAX_WAITING = 10_000;

/** The bounds of a batch without a message that is stored. */
const NO_BOUNDS: ScriptBounds = { ageMs: 1, messages: 1, bytes: 1 };

/** A message for streams or subscriptions. */
export interface Publication {
	/** The sessions, URI encoded; `undefined` is every session. */
	readonly sessions?: readonly string[] | undefined;
	/** What is sent, as JSON. */
	readonly json: string;
	/** Whether it is a notification for subscriptions. */
	readonly isNotification?: boolean;
}

interface Waiting {
	readonly args: readonly string[];
	readonly length: number;
	/** Undefined for a notification, which no log stores. */
	readonly bounds: ScriptBounds | undefined;
	readonly settle: PromiseWithResolvers<void>;
}

/**
 * Publishes the messages of a process in order. While a batch is on its way, the messages that follow
 * wait and form the next batch. A batch has a number, so that Redis stores it once although it is sent
 * again after a lost response.
 */
export class Publisher {
	readonly #send: (
		batch: number,
		args: readonly string[],
		bounds: ScriptBounds,
	) => Promise<RedisReply>;
	readonly #waiting: Waiting[] = [];
	#batch = 0;
	#isSending = false;

	constructor(
		send: (batch: number, args: readonly string[], bounds: ScriptBounds) => Promise<RedisReply>,
	) {
		this.#send = send;
	}

	/**
	 * Resolves when Redis has stored the message and published it.
	 *
	 * @throws if the message is too large, Redis rejects it or cannot be reached for 30 seconds.
	 */
	publish(publication: Publication, bounds: ScriptBounds): Promise<void> {
		const { sessions, json, isNotification = false } = publication;
		const problem = sizeProblem(json);
		if (problem) return Promise.reject(new Error(problem));
		if (this.#waiting.length >= MAX_WAITING) {
			const reason = `${MAX_WAITING} messages already wait for Redis`;
			return Promise.reject(new Error(reason));
		}
		const kind = isNotification ? 'n' : sessions ? 's' : 'a';
		const args = [kind, json, String(sessions?.length ?? 0), ...(sessions ?? [])];
		const length = args.reduce((total, each) => total + each.length, 0);
		const settle = Promise.withResolvers<void>();
		this.#waiting.push({ args, length, bounds: isNotification ? undefined : bounds, settle });
		if (!this.#isSending) {
			this.#isSending = true;
			// Messages of one turn form one batch.
			queueMicrotask(() => void this.#sendAll().catch(settle.reject));
		}
		return settle.promise;
	}

	async #sendAll(): Promise<void> {
		while (this.#waiting.length > 0) {
			const batch = this.#takeBatch();
			try {
				await this.#sendBatch(batch);
				for (const { settle } of batch) settle.resolve();
			} catch (error) {
				for (const { settle } of batch) settle.reject(error);
			}
		}
		this.#isSending = false;
	}

	#takeBatch(): Waiting[] {
		let length = 0;
		const bounds = boundsOf(this.#waiting);
		const end = this.#waiting.findIndex((each, index) => {
			length += each.length;
			const isFull = length > MAX_BATCH_LENGTH || index === MAX_BATCH_MESSAGES;
			return index > 0 && (isFull || (each.bounds ?? bounds) !== bounds);
		});
		return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
	}

	async #sendBatch(batch: readonly Waiting[]): Promise<void> {
		this.#batch += 1;
		const bounds = boundsOf(batch) ?? NO_BOUNDS;
		const args = batch.flatMap((each) => each.args);
		const untilMs = Date.now() + RETRY_MS;
		for (let attempt = 0; ; attempt++) {
			try {
				await this.#send(this.#batch, args, bounds);
				return;
			} catch (error) {
				if (!isConnectionLoss(error) || Date.now() > untilMs) throw error;
				await sleep(backoffMs(attempt));
			}
		}
	}
}

/** Returns the bounds of the first message that is stored. */
function boundsOf(waiting: readonly Waiting[]): ScriptBounds | undefined {
	return waiting.find(({ bounds }) => bounds !== undefined)?.bounds;
}
