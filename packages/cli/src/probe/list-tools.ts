import { describeReply, readReply } from './connection/call.ts';
import type { Connection, ProbeRequest } from './connection/connection.ts';
import { objectOf } from './connection/event-stream.ts';
import type { Call } from './connection/requests.ts';
import type { Tool } from './target.ts';

/** More pages than any server needs: a server whose cursors never end is a fault. */
const MAX_PAGES = 100;

/** Why tools cannot be listed. */
interface ListProblem {
	readonly problem: string;
	/** Whether the request was answered as one of an unknown session is. */
	readonly isUnknownSession?: boolean;
}

/**
 * Reads every page of `tools/list`.
 *
 * @param requestOf creates the request of an era.
 * @returns the tools, or why they cannot be listed.
 */
export async function listTools(
	connection: Connection,
	requestOf: (call: Call) => ProbeRequest,
): Promise<readonly Tool[] | ListProblem> {
	const tools: Tool[] = [];
	let cursor: string | undefined;
	for (let page = 0; page < MAX_PAGES; page++) {
		const params = cursor === undefined ? {} : { cursor };
		const call = { method: 'tools/list', id: 10 + page, params };
		const reply = await readReply(connection, requestOf(call));
		const { nextCursor, tools: listed } = objectOf(reply.response, 'result');
		if (!Array.isArray(listed)) {
			const isUnknownSession = reply.status === 404;
			return { problem: `was answered with ${describeReply(reply)}`, isUnknownSession };
		}
		const invalid = listed.findIndex((tool) => !isTool(tool));
		if (invalid !== -1)
			return { problem: `has a tool without a name at ${tools.length + invalid}` };
		tools.push(...listed.filter(isTool));
		if (typeof nextCursor !== 'string') return tools;
		if (nextCursor === cursor) return { problem: 'returns the same cursor again and never ends' };
		cursor = nextCursor;
	}
	return { problem: `has more than ${MAX_PAGES} pages` };
}

function isTool(value: unknown): value is Tool {
	return typeof objectOf({ value }, 'value')['name'] === 'string';
}
