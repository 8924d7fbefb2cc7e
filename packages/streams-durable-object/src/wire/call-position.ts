import { isCallStream, parseEventId } from '@tmcp-sessions/core/backend';
import type { EventPosition } from '@tmcp-sessions/core/backend';

/** Returns the position in a call if the last event id belongs to one, which the stream then resumes. */
export function parseCallPosition(lastEventId: string | undefined): EventPosition | undefined {
	const position = parseEventId(lastEventId ?? '');
	return position && isCallStream(position.stream) ? position : undefined;
}
