import { gapFrame, parseEventId } from '@tmcp-sessions/core/backend';
import {
	channelAt,
	findResumePoint,
	firstFrame,
	gapText,
	loggedFrame,
	resumeStream,
	ROOT_SHARD,
} from '@tmcp-sessions/core/internal';
import type { MessageLog } from '@tmcp-sessions/core/internal';

import type { OpenReply } from './open-reply.ts';

/** The name of an event id's log and channel, for the script. Empty texts if it names none. */
export interface NamedPosition {
	readonly epoch: string;
	readonly channel: string;
	readonly sequence: string;
}

const NOWHERE: NamedPosition = { epoch: '', channel: '', sequence: '' };

/** Parses the last event id of a GET stream. */
export function namedPosition(lastEventId: string | undefined): NamedPosition {
	const position = parseEventId(lastEventId ?? '');
	const [shard, epoch, name] = position?.stream.split('/') ?? [];
	if (!position || shard !== ROOT_SHARD || !epoch || !name) return NOWHERE;
	const channel = Number.parseInt(name, 36);
	// A client may spell a number in another way: such an id names no channel.
	if (!Number.isSafeInteger(channel) || channel.toString(36) !== name) return NOWHERE;
	return { epoch, channel: String(channel), sequence: String(position.sequence) };
}

/** Returns the first frames of a stream: what its client missed, a gap, or an event that primes it. */
export function missedFrames(
	session: string,
	reply: OpenReply,
	lastEventId: string | undefined,
): readonly string[] {
	const log = new RepliedLog(reply);
	if (lastEventId === undefined || lastEventId === '') return [firstFrame(log, reply.channel)];
	const position = namedPosition(lastEventId);
	if (reply.from !== undefined && position.epoch !== reply.epoch) {
		return framesAfterFailover(log, reply, reply.from);
	}
	const point = findResumePoint(log, reply.history, lastEventId);
	if (reply.isResumed && typeof point === 'object') return resumeStream(log, session, point).frames;
	const gap = typeof point === 'string' ? point : gapText('the stream cannot be resumed');
	return [firstFrame(log, reply.channel, gap)];
}

/** Announces the gap of a failover, and then replays what this Redis has after the last event. */
function framesAfterFailover(log: RepliedLog, reply: OpenReply, from: number): string[] {
	const stream = `${log.shard}/${log.epoch}/${reply.channel.toString(36)}`;
	const text = gapText('Redis was restarted or failed over');
	const frames = [gapFrame({ stream, sequence: from }, text)];
	for (const { sequence, frame } of log.since('', from)) {
		const owner = channelAt(reply.history, sequence);
		// If the failover has lost the session's streams, messages to all had no other one.
		const isOwn = owner === reply.channel || (!reply.isResumed && owner === undefined);
		if (isOwn && frame !== undefined) {
			frames.push(loggedFrame(log, reply.channel, sequence, frame));
		}
	}
	return frames;
}

/** The part of the log that Redis has returned for one session. */
class RepliedLog implements MessageLog {
	readonly shard = ROOT_SHARD;
	readonly epoch: string;
	readonly #reply: OpenReply;

	constructor(reply: OpenReply) {
		this.epoch = reply.epoch;
		this.#reply = reply;
	}

	newest(): number {
		return this.#reply.newest;
	}

	pruned(): number {
		return 0;
	}

	lostToMany(): number {
		return this.#reply.lostToAll;
	}

	since(_session: string, sequence: number): OpenReply['messages'] {
		return this.#reply.messages.filter((message) => message.sequence > sequence);
	}

	historyOf(): OpenReply['history'] {
		return this.#reply.history;
	}

	saveHistory(): void {
		// The script has saved it.
	}
}
