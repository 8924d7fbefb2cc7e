import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy that listens. */
export interface TurnTakingProxy {
	readonly url: URL;
	/** Ends all connections. Settles when nothing listens any more. */
	close(): Promise<void>;
}

/**
 * Hands each request to the next of these servers in turn, as it came: `Host` too.
 *
 * POSTs take turns of their own. A client opens its GET stream whenever it likes; were that counted,
 * chance would decide whether an answer comes in where its question was asked.
 */
export async function startTurnTakingProxy(targets: readonly URL[]): Promise<TurnTakingProxy> {
	const turns = new Map<string, number>();
	const server = createServer((incoming, outgoing) => {
		const kind = incoming.method === 'POST' ? 'POST' : 'other';
		const turn = turns.get(kind) ?? 0;
		turns.set(kind, turn + 1);
		const target = targets[turn % targets.length];
		if (target === undefined) throw new Error('A proxy needs a server to hand requests to');
		forward(incoming, outgoing, target);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	// A server that listens on a port has an address with one.
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
	const onward = request({ hostname, port, method, path, headers, agent: false }, (answer) => {
		outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
		outgoing.flushHeaders();
		answer.pipe(outgoing);
		answer.on('error', () => outgoing.destroy());
	});
	onward.on('error', (error) => {
		if (outgoing.headersSent) outgoing.destroy();
		else outgoing.writeHead(502).end(error.message);
	});
	// A client that leaves is gone for the server too.
	outgoing.on('close', () => onward.destroy());
	incoming.pipe(onward);
}
