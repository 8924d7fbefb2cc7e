import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** An HTTP server in the place of the service, for one test. */
export interface MisbehavingService {
	readonly url: string;
	/** How many requests came in. */
	requests(): number;
	/** Settles when the connection of a request was closed from the other side. */
	readonly hungUp: Promise<void>;
	/** Takes no more connections. */
	stop(): Promise<void>;
}

/** Starts a service that answers as `listener` says, which may be not at all. */
export async function misbehavingService(listener: RequestListener): Promise<MisbehavingService> {
	const { promise: hungUp, resolve: hangUp } = Promise.withResolvers<void>();
	let requests = 0;
	const server = createServer((request, response) => {
		requests++;
		response.on('close', () => {
			if (!response.writableFinished) hangUp();
		});
		listener(request, response);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	// Sound: a server that listens on a port has such an address.
	const { port } = server.address() as AddressInfo;
	const stop = async (): Promise<void> => {
		if (!server.listening) return;
		server.close();
		server.closeAllConnections();
		await once(server, 'close');
	};
	onTestFinished(stop);
	return { url: `http://127.0.0.1:${port}`, requests: () => requests, hungUp, stop };
}

/** Answers every request with this. */
export function always(status: number, body: string): RequestListener {
	return (_, response) => {
		response.writeHead(status).end(body);
	};
}
