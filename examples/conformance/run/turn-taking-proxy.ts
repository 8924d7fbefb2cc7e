import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A listening proxy. */
export interface TurnTakingProxy {
	readonly url: URL;
	/** Closes all connections; resolves when the port is free. */
	close(): Promise<void>;
}

/**
 * Forwards requests to the servers in turn, with unchanged headers, `Host` included.
 *
 * POST requests have a separate turn. A client opens its GET stream at an arbitrary time; if that took
 * a turn, chance would decide whether a client response reaches the isolate of its server request.
 */
export async function startTurnTakingProxy(targets: readonly URL[]): Promise<TurnTakingProxy> {
	const turns = new Map<string, number>();
	const server = createServer((incoming, outgoing) => {
		const kind = incoming.method === 'POST' ? 'POST' : 'other';
		const turn = turns.get(kind) ?? 0;
		turns.set(kind, turn + 1);
		const target = targets[turn % targets.length];
		if (target === undefined)
			throw new Error('startTurnTakingProxy needs at least one target; got none');
		forward(incoming, outgoing, target);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	// Safe because a server that listens on TCP has an address with a port.
	const { port } = server.address() as AddressInfo;
	return {
		url: new URL(`http://127.0.0.1:${port}`),
		close: () =>
			new Promise((resolve, reject) => {
				server.close((error) => (error ? reject(error) : resolve()));
				server.closeAllConnections();
			}),
	};
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse, target: URL): void {
	const { method, headers, url: path } = incoming;
	const { hostname, port } = target;
	const forwarded = request({ hostname, port, method, path, headers, agent: false }, (response) => {
		outgoing.writeHead(response.statusCode ?? 502, response.headers);
		outgoing.flushHeaders();
		response.pipe(outgoing);
		response.on('error', () => outgoing.destroy());
	});
	forwarded.on('error', (error) => {
		if (outgoing.headersSent) outgoing.destroy();
		else outgoing.writeHead(502).end(error.message);
	});
	// Pass the client's disconnect on to the server.
	outgoing.on('close', () => forwarded.destroy());
	incoming.pipe(forwarded);
}
