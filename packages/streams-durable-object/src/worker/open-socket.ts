import { StreamError } from '@tmcp-sessions/core';
import { withTimeout } from '@tmcp-sessions/core/backend';
import { ROOT_SHARD } from '@tmcp-sessions/core/internal';

import { PACKAGE, syncLayer } from './binding.ts';
import type { SyncLayers } from './binding.ts';
import { SHARD_HEADER } from '../object/shard-registration.ts';
import { addressOf } from '../wire/socket-purpose.ts';
import type { SocketPurpose } from '../wire/socket-purpose.ts';

/** How long the object has to take a socket, in milliseconds, where nothing else is said. */
const DEFAULT_OPEN_TIMEOUT_MS = 10_000;

/** What the object says where it refuses is as short as this. */
const MAX_REASON_LENGTH = 500;

/** A socket, and what the object said when it took it. */
export interface OpenedSocket {
	readonly socket: WebSocket;
	readonly headers: Headers;
}

/**
 * Opens a socket to the object of a shard. Call it in the request that owns the stream or the inbox: workerd
 * lets no other request use what comes back, and the socket is what keeps this request alive.
 *
 * @param timeoutMs how long the object has for its answer.
 * @throws {StreamError} where the object cannot be reached, does not answer in time, or refuses.
 * @throws {BindingError} where the binding is missing or is no Durable Object namespace.
 */
export async function openSocket(
	layers: SyncLayers,
	shard: string,
	purpose: SocketPurpose,
	timeoutMs: number = DEFAULT_OPEN_TIMEOUT_MS,
): Promise<OpenedSocket> {
	const stub = syncLayer(layers, shard);
	const headers = new Headers({ Upgrade: 'websocket' });
	if (shard !== ROOT_SHARD) headers.set(SHARD_HEADER, shard);
	const failed = (cause: unknown): StreamError =>
		new StreamError(PACKAGE, operationOf(purpose), cause);
	const upgrading = stub.fetch(addressOf(purpose), { headers });
	const response = await inTime(upgrading, timeoutMs).catch((cause: unknown) => {
		throw failed(cause);
	});
	if (!response.webSocket) {
		// Read to its end: a body that is not would hold the object in memory.
		const said = (await response.text().catch(() => '')).slice(0, MAX_REASON_LENGTH);
		throw failed(`SyncLayer answered ${response.status}${said && `: ${said}`}`);
	}
	response.webSocket.accept();
	return { socket: response.webSocket, headers: response.headers };
}

function operationOf({ role }: SocketPurpose): string {
	return role === 'inbox' ? 'opening an inbox' : 'opening a stream';
}

/** The answer, where it comes in time; a socket that comes later is closed. */
async function inTime(upgrading: Promise<Response>, timeoutMs: number): Promise<Response> {
	let isLate = false;
	const answering = upgrading.then((response) => {
		if (isLate) discard(response);
		return response;
	});
	return withTimeout(timeoutMs, answering, () => {
		isLate = true;
		const found = `SyncLayer did not answer within ${timeoutMs} ms`;
		return new Error(`${found}: it is overloaded, or cannot be reached. Try again later`);
	});
}

function discard({ webSocket }: Response): void {
	webSocket?.accept();
	webSocket?.close(1000);
}
