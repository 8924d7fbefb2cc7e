import { serve } from '@hono/node-server';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** A server on a free port of this machine. */
export interface NodeServer {
	readonly url: URL;
	stop(): Promise<void>;
}

/** Serves a `fetch` handler at `/mcp` on Node.js. */
export async function startNodeServer(
	fetch: (request: Request) => Response | Promise<Response>,
): Promise<NodeServer> {
	const server = serve({ fetch, port: 0, hostname: '127.0.0.1' });
	await once(server, 'listening');
	// Safe because the server listens on a port.
	const { port } = server.address() as AddressInfo;
	return {
		url: new URL(`http://127.0.0.1:${port}/mcp`),
		async stop() {
			const closed = once(server, 'close');
			server.close();
			if ('closeAllConnections' in server) server.closeAllConnections();
			await closed;
		},
	};
}
