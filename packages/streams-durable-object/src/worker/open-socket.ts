import { UnknownSessionError } from '@tmcp-sessions/core';
import type { StreamError } from '@tmcp-sessions/core';
import { classErrorOf, withTimeout } from '@tmcp-sessions/core/backend';
import type { BindingRequirement } from '@tmcp-sessions/core/backend';

import { PACKAGE } from '../package-name.ts';
import { createStreamError } from '../stream-error.ts';
import { SHARD_HEADER } from '../wire/headers.ts';
import { formatPurpose } from '../wire/socket-purpose.ts';
import type { SocketPurpose } from '../wire/socket-purpose.ts';

/** The default of `openTimeoutMs`. */
export const DEFAULT_OPEN_TIMEOUT_MS = 10_000;

/** The status with which the object rejects a stream whose session has ended. */
const SESSION_ENDED = 410;

/** The maximum length of a response body in an error. */
const MAX_REASON_LENGTH = 500;

/** The object to open a socket to. */
export interface SocketTarget {
	readonly stub: Pick<Fetcher, 'fetch'>;
	/** The label of its shard, which it registers at the root. Omit it for the root. */
	readonly shard?: string | undefined;
	/** The binding of the object, for an error that its class causes. */
	readonly requirement?: BindingRequirement | undefined;
}

/** A socket, and the headers of the response that accepted it. */
export interface OpenedSocket {
	readonly socket: WebSocket;
	readonly headers: Headers;
}

/**
 * Opens a socket to an object. Call it in the request that owns the stream or the inbox: workerd does
 * not let another request use the socket, and the open socket keeps this request alive.
 *
 * @throws {StreamError} if the object cannot be reached, does not respond in time, or rejects the socket.
 * @throws {UnknownSessionError} if the session of a stream has ended.
 * @throws {BindingError} if the class of the object is another one, or has no SQLite.
 */
export async function openSocket(
	{ stub, shard, requirement }: SocketTarget,
	purpose: SocketPurpose,
	timeoutMs: number = DEFAULT_OPEN_TIMEOUT_MS,
): Promise<OpenedSocket> {
	const headers = { Upgrade: 'websocket', ...(shard !== undefined && { [SHARD_HEADER]: shard }) };
	const failed = (cause: unknown, bound?: string): StreamError =>
		createStreamError(operationOf(purpose), cause, bound);
	const upgrading = stub.fetch(formatPurpose(purpose), { headers });
	const response = await inTime(upgrading, timeoutMs).catch((cause: unknown) => {
		throw (requirement && classErrorOf(requirement, cause)) ?? failed(cause);
	});
	if (response.status === SESSION_ENDED) {
		await response.body?.cancel();
		throw new UnknownSessionError(PACKAGE, 'open a stream');
	}
	if (!response.webSocket) {
		// Read the body to its end: an unread one would keep the object in memory.
		const body = (await response.text().catch(() => '')).slice(0, MAX_REASON_LENGTH);
		const bound = response.status === 429 ? body : undefined;
		throw failed(`SyncLayer responded ${response.status}${body && `: ${body}`}`, bound);
	}
	response.webSocket.accept();
	return { socket: response.webSocket, headers: response.headers };
}

function operationOf({ role }: SocketPurpose): string {
	return role === 'inbox' ? 'opening an inbox' : 'opening a stream';
}

/** Resolves with the response if it arrives in time. Closes the socket of a late response. */
async function inTime(upgrading: Promise<Response>, timeoutMs: number): Promise<Response> {
	let isLate = false;
	const responding = upgrading.then((response) => {
		if (isLate) {
			response.webSocket?.accept();
			response.webSocket?.close(1000);
		}
		return response;
	});
	return withTimeout(timeoutMs, responding, () => {
		isLate = true;
		return new Error(
			`SyncLayer did not respond within ${timeoutMs} ms: it is overloaded or unreachable. Try again later`,
		);
	});
}
