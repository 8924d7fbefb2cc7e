import { gapFrame } from './event-id.ts';
import type { EventPosition } from './event-id.ts';
import { gapText } from './message-log.ts';
import type { CallEvents } from '../extensions/resumable-streams.ts';

/**
 * The first sequence of a call after its instance was lost: higher than any sequence that the lost
 * instance can have used.
 */
export const FIRST_SEQUENCE_AFTER_LOSS = 1_000_000;

/** The events that a client which resumes a call has not seen. */
export interface CallReplay {
	readonly frames: readonly string[];
	/** The sequence of the last frame, or of the last one that the client had seen. */
	readonly seen: number;
	/** Whether the stored events include the response. */
	readonly isComplete: boolean;
}

/**
 * Returns the events of a call after a sequence, in order. If some are no longer stored, a frame in
 * their place announces the gap.
 */
export function replayCall(stored: Iterable<CallEvents>, after: number): CallReplay {
	const frames: string[] = [];
	let seen = after;
	let isComplete = false;
	for (const events of stored) {
		for (const [index, frame] of events.frames.entries()) {
			const sequence = events.first + index;
			if (sequence <= seen) continue;
			if (sequence > seen + 1) {
				const position = { stream: events.stream, sequence: sequence - 1 };
				frames.push(gapFrame(position, gapBetween(seen, sequence)));
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
		return gapText('the call was interrupted and resumed');
	return gapText('some events of the call are no longer stored', next - 1 - seen);
}

/** The frame for a client that resumes a call without stored events, or without further ones. */
export function unknownCallFrame(position: EventPosition): string {
	return gapFrame(position, gapText('the call has no further events'));
}

/** How much of a call is stored. */
export interface StoredCallEnd {
	/** The sequence of the next event. */
	readonly next: number;
	readonly isComplete: boolean;
}

/**
 * Returns those events of a call that are not stored yet, or `undefined` if all are.
 *
 * @param stored undefined if no event of the call is stored.
 */
export function unstoredEvents(
	events: CallEvents,
	stored: StoredCallEnd | undefined,
): CallEvents | undefined {
	if (stored?.isComplete === true) return undefined;
	const first = Math.max(events.first, stored?.next ?? 0);
	const frames = events.frames.slice(first - events.first);
	if (frames.length === 0 && !events.isComplete) return undefined;
	return { ...events, first, frames };
}
