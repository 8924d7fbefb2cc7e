import { UnknownSessionError } from '@tmcp-sessions/core';
import { loggedFrame, ROOT_SHARD, TOO_MANY_STREAMS } from '@tmcp-sessions/core/internal';
import type { RedisReply } from '@tmcp-sessions/redis';

import { HeldStream } from './held-stream.ts';
import type { HeldStreamOptions } from './held-stream.ts';
import { missedFrames, namedPosition } from './missed-frames.ts';
import { parseOpenReply } from './open-reply.ts';
import type { OpenReply } from './open-reply.ts';
import type { RedisEvent } from '../process/redis-event.ts';
import { PACKAGE } from '../package-name.ts';
import { createStreamError } from '../stream-error.ts';

interface ListeningStreamOptions extends HeldStreamOptions {
	readonly lastEventId: string | undefined;
	/** Runs `OPEN` with these arguments after session, stream and process. */
	readonly open: (stream: string, args: readonly string[]) => Promise<RedisReply>;
	readonly now: () => number;
}

/** Holds a GET stream of a session. */
export class ListeningStream extends HeldStream {
	readonly #options: ListeningStreamOptions;
	#lastEventId: string | undefined;
	#opened: OpenReply | undefined;
	/** The epochs of logs that have ended. Their messages were replayed, or are lost. */
	readonly #pastEpochs = new Set<string>();
	/** The sequence of the last message of the log that the stream has handled. */
	#seen = 0;
	#version = 0;
	#isCurrent = false;

	constructor(options: ListeningStreamOptions) {
		super(options);
		this.#options = options;
		this.#lastEventId = options.lastEventId;
	}

	override get lease(): string {
		return `open:${this.session}`;
	}

	protected override async join(): Promise<void> {
		const { epoch, channel, sequence } = namedPosition(this.#lastEventId);
		const candidate = this.#options.now() * 4096 + Math.floor(Math.random() * 4096);
		const order = this.#opened?.order ?? '';
		const args = [epoch, channel, sequence, String(candidate), order];
		const reply = parseOpenReply(await this.#options.open(this.id, args));
		if (this.isReleased) return;
		if (!reply) {
			if (!this.#opened) throw new UnknownSessionError(PACKAGE, 'open a stream');
			return this.end();
		}
		const frames = missedFrames(this.session, reply, this.#lastEventId);
		if (this.#opened) this.#pastEpochs.add(this.#opened.epoch);
		for (const epoch of reply.pastEpochs) this.#pastEpochs.add(epoch);
		this.#pastEpochs.delete(reply.epoch);
		this.#opened = reply;
		this.#version = reply.version;
		this.#isCurrent = reply.isCurrent;
		this.#see(reply.newest);
		this.write(frames, true);
	}

	protected override receive(event: RedisEvent): void {
		switch (event[0]) {
			case 'm':
				return this.#receiveMessage(event);
			case 'c': {
				const [, , , version, isCurrent] = event;
				if (version <= this.#version) return;
				this.#version = version;
				this.#isCurrent = isCurrent === 1;
				return;
			}
			case 'e':
				this.report(createStreamError('holding a stream', TOO_MANY_STREAMS));
				return this.endEarly();
			case 'E':
				return this.end();
			case 'i':
			case 'k':
			case 'n':
				return;
		}
	}

	protected override clearTimers(): void {
		// It has none.
	}

	#receiveMessage(event: RedisEvent & { readonly 0: 'm' }): void {
		const [, epoch, sequence, streams, frame] = event;
		const opened = this.#opened;
		if (!opened || this.#pastEpochs.has(epoch)) return;
		if (streams === null && !this.#isCurrent) return;
		// A failover has begun a new log: what it lost is not known here.
		if (epoch !== opened.epoch) return this.catchUpBefore(event);
		if (sequence <= this.#seen) return;
		this.#see(sequence);
		this.write([loggedFrame({ shard: ROOT_SHARD, epoch }, opened.channel, sequence, frame)]);
	}

	/** Notes the position from which the stream would be resumed. */
	#see(sequence: number): void {
		this.#seen = sequence;
		const { epoch = '', channel = 0 } = this.#opened ?? {};
		this.#lastEventId = `${ROOT_SHARD}/${epoch}/${channel.toString(36)}:${sequence}`;
	}
}
