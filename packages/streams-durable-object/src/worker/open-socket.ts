import { StreamError, UnknownSessionError } from '@tmcp-sessions/core';
import { classErrorOf, withTimeout } from '@tmcp-sessions/core/backend';
import type { BindingRequirement } from '@tmcp-sessions/core/backend';

import { PACKAGE } from '../package-name.ts';
import { createStreamError } from '../stream-error.ts';
import { SHARD_HEADER } from '../wire/headers.ts';
import { NO_ROOM, UNKNOWN_SOCKET } from '../wire/statuses.ts';
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
	const upgrading = stub.fetch(formatPurpose(purpose), { headers });
	const response = await inTime(upgrading, timeoutMs).catch((cause: unknown) => {
		throw (
			(requirement && classErrorOf(requirement, cause)) ??
			createStreamError(operationOf(purpose), cause)
		);
	});
	if (response.status === SESSION_ENDED) {
		await response.body?.cancel();
		throw new UnknownSessionError(PACKAGE, 'open a stream');
	}
	if (!response.webSocket) {
		// Read the body to its end: an unread one would keep the object in memory.
		const body = (await response.text().catch(() => '')).slice(0, MAX_REASON_LENGTH);
		throw failureOf(purpose, response.status, body);
	}
	response.webSocket.accept();
	return { socket: response.webSocket, headers: response.headers };
}

/** A stream that shares the socket of another one. */
export interface JoinedStream {
	/** What it missed. */
	readonly frames: readonly string[];
	readonly headers: Headers;
}

/**
 * Opens a stream that shares the socket of another one.
 *
 * @returns `full` or `unknown` if it needs its own socket: that of the other one has no room, or the
 * object does not have it.
 * @throws as `openSocket` does.
 */
export async function joinSocket(
	{ stub, shard, requirement }: SocketTarget,
	purpose: SocketPurpose,
	timeoutMs: number = DEFAULT_OPEN_TIMEOUT_MS,
): Promise<JoinedStream | 'full' | 'unknown'> {
	const joining = async (): Promise<JoinedStream | 'full' | 'unknown'> => {
		const headers = shard === undefined ? {} : { [SHARD_HEADER]: shard };
		const response = await stub.fetch(formatPurpose(purpose), { headers });
		if (response.status !== 200) {
			const body = (await response.text()).slice(0, MAX_REASON_LENGTH);
			if (response.status === NO_ROOM) return 'full';
			// 426: an earlier release.
			if (response.status === UNKNOWN_SOCKET || response.status === 426) return 'unknown';
			if (response.status === SESSION_ENDED)
				throw new UnknownSessionError(PACKAGE, 'open a stream');
			throw failureOf(purpose, response.status, body);
		}
		return { frames: await response.json<string[]>(), headers: response.headers };
	};
	try {
		return await withTimeout(timeoutMs, joining(), () => timeoutError(timeoutMs));
	} catch (cause) {
		if (cause instanceof StreamError || cause instanceof UnknownSessionError) throw cause;
		throw (
			(requirement && classErrorOf(requirement, cause)) ??
			createStreamError(operationOf(purpose), cause)
		);
	}
}

function failureOf(purpose: SocketPurpose, status: number, body: string): StreamError {
	const reason = `SyncLayer responded ${status}${body && `: ${body}`}`;
	return createStreamError(operationOf(purpose), reason, status === 429 ? body : undefined);
}

function timeoutError(timeoutMs: number): Error {
	return new Error(
		`SyncLayer did not respond within ${timeoutMs} ms: it is overloaded or unreachable. Try again later`,
	);
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
		return timeoutError(timeoutMs);
	});
}
