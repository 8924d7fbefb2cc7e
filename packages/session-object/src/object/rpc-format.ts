import type { PlainAnswer } from '@tmcp-sessions/http/internal';

import type { SessionRequest } from './session-request.ts';

/**
 * Serializes a request or an answer as one string, which costs two thirds of passing an object by RPC:
 * a line of JSON, followed by the body as it is. Within the JSON the body would be escaped and parsed.
 */
export function serialize({ body, ...head }: PlainAnswer | SessionRequest): string {
	return `${JSON.stringify(head)}\n${body}`;
}

/** Parses the output of `serialize`. The result must not be modified: equal heads share it. */
export function deserialize<Message extends PlainAnswer | SessionRequest>(text: string): Message {
	const end = text.indexOf('\n');
	const line = text.slice(0, end);
	const cached = heads.get(line);
	// Safe because both ends are this package, in releases of the same version of the format.
	const head = (cached ?? JSON.parse(line)) as Omit<Message, 'body'>;
	if (!cached && isShareable(head, text)) {
		if (heads.size >= MAX_HEADS) heads.clear();
		heads.set(line, head);
	}
	return { ...head, body: text.slice(end + 1) } as Message;
}

/** Hot path: clients repeat their headers, so the first lines are parsed once. */
const heads = new Map<string, object>();
const MAX_HEADS = 256;
/** A substring may keep all of the text that it was cut from in memory. */
const MAX_HEAD_LENGTH = 4_096;

/** The `auth` of a caller is passed to its tools, which may modify it. */
function isShareable(head: object, text: string): boolean {
	return text.length <= MAX_HEAD_LENGTH && (!('auth' in head) || head.auth === null);
}
