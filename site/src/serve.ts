import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { dist } from './paths.ts';

const types: Readonly<Record<string, string>> = {
	'.css': 'text/css',
	'.html': 'text/html',
	'.js': 'text/javascript',
	'.svg': 'image/svg+xml',
};

async function respond(url: string, response: ServerResponse): Promise<void> {
	const { pathname } = new URL(url, 'http://localhost');
	const path = normalize(decodeURIComponent(pathname)).replace(/\/$/, '/index.html');
	const body = await readFile(join(dist, path)).catch(() => undefined);
	response.statusCode = body ? 200 : 404;
	response.setHeader('content-type', types[body ? extname(path) : '.html'] ?? 'text/plain');
	response.end(body ?? (await readFile(join(dist, '404.html'))));
}

/** Serves the built site on a port of this machine, as a host of static files does. */
export async function serveSite(port = 0): Promise<{ url: string; stop(): Promise<void> }> {
	const server = createServer((request, response) => {
		respond(request.url ?? '/', response).catch((error: unknown) => {
			console.error(error);
			response.destroy();
		});
	});
	await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
	// Safe because the server listens on a port.
	const address = server.address() as AddressInfo;
	return {
		url: `http://localhost:${address.port}/`,
		stop: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}
