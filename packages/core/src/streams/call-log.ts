import { gapFrame } from './event-id.ts';
import type { EventPosition } from './event-id.ts';
import { gapText, RETRY_MS } from './message-log.ts';
import type { CallEvents } from '../extensions/resumable-streams.ts';

/**
 * Where a call numbers on whose instance was lost: higher than anything that was given out before,
 * since nobody knows how much that was.
 */
export const FIRST_SEQUENCE_AFTER_LOSS = 1_000_000;

/** What a client that resumes a call has still to get. */
export interface CallReplay {
	readonly frames: readonly string[];
	/** The sequence of the last of them, or what the client had seen before. */
	readonly seen: number;
	/** Whether the answer is among them, or was seen. */
	readonly isComplete: boolean;
}

/**
 * What of a call's events comes after what its client has seen, in order. Where some are no longer
 * kept, what comes instead announces the gap.
 */
export function replayCall(kept: Iterable<CallEvents>, after: number): CallReplay {
	const frames: string[] = [];
	let seen = after;
	let isComplete = false;
	for (const events of kept) {
		for (const [index, frame] of events.frames.entries()) {
			const sequence = events.first + index;
			if (sequence <= seen) continue;
			if (sequence > seen + 1) {
				const text = gapBetween(seen, sequence);
				frames.push(gapFrame({ stream: events.stream, sequence: sequence - 1 }, RETRY_MS, text));
			}
			frames.push(frame);
			seen = sequence;
		}
		isComplete ||= events.isComplete;
	}
	return { frames, seen, isComplete };
}

function gapBetween(seen: number, next: number): string {
	if (seen < FIRST_SEQUENCE_AFTER_LOSS && next >= FIRST_SEQUENCE_AFTER_LOSS)
		return gapText('the call was cut off and resumed');
	return gapText('not all that the call said is kept', next - 1 - seen);
}

/** What a client gets that came back for a call of which nothing is known, or nothing more. */
export function unknownCallFrame(position: EventPosition): string {
	return gapFrame(position, RETRY_MS, gapText('nothing more of the call is known'));
}

/** Those of a call's events that are not kept yet; none where all are. */
export function unstoredEvents(
	events: CallEvents,
	kept: Iterable<CallEvents>,
): CallEvents | undefined {
	let next = events.first;
	let isComplete = false;
	for (const { first, frames, isComplete: ended } of kept) {
		next = Math.max(next, first + frames.length);
		isComplete ||= ended;
	}
	const frames = events.frames.slice(next - events.first);
	if (isComplete || (frames.length === 0 && !events.isComplete)) return undefined;
	return { ...events, first: next, frames };
}
