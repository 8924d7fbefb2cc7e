import { invalidRequest } from '../request/http-rejection.ts';
import type { HttpRejection } from '../request/http-rejection.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';
import { isObject, methodOf } from '../request/json-rpc.ts';
import { BATCH_REVISION } from './headers.ts';
import { checkIds } from './messages.ts';
import { isStateless } from './stateless-requests.ts';

/** Each message of a batch may be a call. */
const MAX_MESSAGES = 16;

/**
 * Checks an array of messages. The revision of its session is known without a read: only clients of
 * 2025-03-26 and before send no `MCP-Protocol-Version`, and 2025-06-18 (basic/transports) says to take
 * its absence for 2025-03-26.
 *
 * @throws {HttpRejection} 400 if the client cannot have agreed to 2025-03-26, if there are no messages
 * or more than 16, or if one of them is `initialize`.
 */
export function checkBatch(headers: CachedHeaders, batch: readonly unknown[]): void {
	checkBatchRevision(headers.get('mcp-protocol-version') ?? undefined);
	if (batch.length === 0 || batch.length > MAX_MESSAGES) {
		throw invalidRequest(`A batch must have 1 to ${MAX_MESSAGES} messages; got ${batch.length}`);
	}
	if (batch.some((message) => methodOf(message) === 'initialize')) {
		throw invalidRequest('A batch must not contain initialize: send it in a POST of its own');
	}
}

/**
 * @param revision undefined if it is not known.
 * @throws {HttpRejection} 400 for any other revision than 2025-03-26.
 */
export function checkBatchRevision(revision: string | undefined): void {
	if (revision === undefined || revision === BATCH_REVISION) return;
	throw batchRejection();
}

/** @throws {HttpRejection} 400 if a message of a batch is invalid. */
export function checkBatched(
	headers: CachedHeaders,
	message: unknown,
	stateless: readonly string[],
): void {
	if (!isObject(message)) throw invalidRequest('A message of the batch is not a JSON object');
	checkIds(message);
	if (isStateless(headers, message, stateless)) throw batchRejection();
}

function batchRejection(): HttpRejection {
	return invalidRequest(
		`Only sessions of ${BATCH_REVISION} may send several messages at once: send each message in a ` +
			'POST of its own',
	);
}
