import { createParser } from 'eventsource-parser';
import type { EventSourceParser } from 'eventsource-parser';

/** One complete event of a stream. */
export interface StreamEvent {
	readonly id: string | undefined;
	readonly data: string;
	/** The comments since the previous event. */
	readonly comments: readonly string[];
}

/** Creates a parser of one connection. It drops an incomplete event, so its id is not remembered either. */
export function createEventParser(
	onEvent: (event: StreamEvent) => void,
	onRetry: (retryMs: number) => void,
): EventSourceParser {
	let comments: string[] = [];
	return createParser({
		onComment: (comment) => void comments.push(comment),
		onRetry,
		onEvent({ id, data }) {
			onEvent({ id, data, comments });
			comments = [];
		},
	});
}
