import { ROOT_SHARD, StreamError } from '@tmcp-sessions/core';

import { PACKAGE, syncLayer } from './binding.ts';
import type { SyncLayers } from './binding.ts';
import { SHARD_HEADER } from './shard-registration.ts';
import { addressOf } from './socket-address.ts';
import type { SocketPurpose } from './socket-address.ts';

/** A socket, and what the object said when it took it. */
export interface OpenedSocket {
	readonly socket: WebSocket;
	readonly headers: Headers;
}

/**
 * Opens a socket to the object of a shard. Call it in the request that owns the stream or the inbox: workerd
 * lets no other request use what comes back, and the socket is what keeps this request alive.
 *
 * @throws {StreamError} where the object cannot be reached or refuses.
 * @throws {BindingError} where the binding is missing or is no Durable Object namespace.
 */
export async function openSocket(
	layers: SyncLayers,
	shard: string,
	purpose: SocketPurpose,
): Promise<OpenedSocket> {
	const stub = syncLayer(layers, shard);
	const headers = new Headers({ Upgrade: 'websocket' });
	if (shard !== ROOT_SHARD) headers.set(SHARD_HEADER, shard);
	const operation = purpose.role === 'inbox' ? 'opening an inbox' : 'opening a stream';
	const response = await stub.fetch(addressOf(purpose), { headers }).catch((cause: unknown) => {
		throw new StreamError(PACKAGE, operation, cause);
	});
	if (!response.webSocket) {
		// An unread body would hold the object in memory.
		const reason = await response.text().catch(() => '');
		throw new StreamError(PACKAGE, operation, `SyncLayer answered ${response.status}: ${reason}`);
	}
	response.webSocket.accept();
	return { socket: response.webSocket, headers: response.headers };
}
