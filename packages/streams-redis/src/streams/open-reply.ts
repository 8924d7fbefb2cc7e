import type { RedisReply } from '@tmcp-sessions/redis';
import type { ChannelHistory, LoggedMessage } from '@tmcp-sessions/core/internal';

import { ENDED } from '../scripts/stream-scripts.ts';

/** A stream of a session after `OPEN`. */
export interface OpenReply {
	readonly epoch: string;
	/** The newest sequence of the log. */
	readonly newest: number;
	/** The epochs before. */
	readonly pastEpochs: readonly string[];
	/** The sequence after which messages were read; `undefined` if none were. */
	readonly from: number | undefined;
	readonly channel: number;
	/** Distinguishes the connections of a channel: the highest one is the client's. */
	readonly order: string;
	/** Increases whenever another stream of the session becomes the current one. */
	readonly version: number;
	readonly isCurrent: boolean;
	/** Whether the stream continues from the position that was given. */
	readonly isResumed: boolean;
	/** The history of the session, without a channel that this stream has begun. */
	readonly history: ChannelHistory;
	readonly lostToAll: number;
	/** The messages after the position, to the session and to all. In order. */
	readonly messages: readonly LoggedMessage[];
}

/** @returns `undefined` if the session has ended. */
export function parseOpenReply(reply: RedisReply): OpenReply | undefined {
	const fields = listOf(reply);
	if (fields[0] === ENDED) return undefined;
	const [, epoch, newest, pastEpochs, from, channel, order, version, isCurrent, isResumed] =
		fields.map(String);
	const [channels, changes, lost, lostToAll] = fields.slice(10, 14).map(String);
	return {
		epoch: epoch ?? '',
		newest: Number(newest),
		pastEpochs: wordsOf(pastEpochs),
		from: from === '' ? undefined : Number(from),
		channel: Number(channel),
		order: order ?? '',
		version: Number(version),
		isCurrent: isCurrent === '1',
		isResumed: isResumed === '1',
		history: {
			channels: wordsOf(channels).map(Number),
			changes: wordsOf(changes).map((change) => {
				const [from, current] = change.split(':');
				return [Number(from), Number(current)] as const;
			}),
			lost: Number(lost),
		},
		lostToAll: Number(lostToAll),
		messages: [...messagesOf(fields[14]), ...messagesOf(fields[15])].toSorted(
			(one, other) => one.sequence - other.sequence,
		),
	};
}

/** Returns the elements of a reply that is a list. */
export function listOf(reply: RedisReply | undefined): readonly RedisReply[] {
	return typeof reply === 'object' && reply !== null ? reply : [];
}

function wordsOf(text = ''): string[] {
	return text.split(' ').filter((word) => word !== '');
}

function messagesOf(reply: RedisReply | undefined): LoggedMessage[] {
	const list = listOf(reply);
	const messages: LoggedMessage[] = [];
	for (let index = 0; index < list.length; index += 2) {
		const frame: unknown = JSON.parse(String(list[index + 1]));
		messages.push({ sequence: Number(list[index]), frame: String(frame) });
	}
	return messages;
}
