import type { HttpTransport } from '@tmcp/transport-http';

/** A Worker with nothing around the transport. */
export interface TransportWorker {
	fetch(request: Request): Promise<Response>;
}

/** Creates the transport at the first request, since some managers do I/O in their constructor. */
export function createWorker(createTransport: () => HttpTransport): TransportWorker {
	let transport: HttpTransport | undefined;
	return {
		async fetch(request) {
			transport ??= createTransport();
			return (await transport.respond(request)) ?? new Response('Not found', { status: 404 });
		},
	};
}
