import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** An HTTP server that replaces the service in one test. */
export interface MisbehavingService {
	readonly url: string;
	/** Returns the number of received requests. */
	requests(): number;
	/** Resolves when the client closes the connection of a request. */
	readonly disconnected: Promise<void>;
	/** Closes all connections and accepts no more. */
	stop(): Promise<void>;
}

/** Starts a service that answers with `listener`, which need not answer at all. */
export async function misbehavingService(listener: RequestListener): Promise<MisbehavingService> {
	const { promise: disconnected, resolve: disconnect } = Promise.withResolvers<void>();
	let requests = 0;
	const server = createServer((request, response) => {
		requests++;
		response.on('close', () => {
			if (!response.writableFinished) disconnect();
		});
		listener(request, response);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	// Safe because a server that listens on a port has such an address.
	const { port } = server.address() as AddressInfo;
	const stop = async (): Promise<void> => {
		if (!server.listening) return;
		server.close();
		server.closeAllConnections();
		await once(server, 'close');
	};
	onTestFinished(stop);
	return { url: `http://127.0.0.1:${port}`, requests: () => requests, disconnected, stop };
}

/** Answers every request with the same response. */
export function always(status: number, body: string): RequestListener {
	return (_, response) => {
		response.writeHead(status).end(body);
	};
}
