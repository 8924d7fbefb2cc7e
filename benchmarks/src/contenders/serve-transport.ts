import type { HttpTransport } from '@tmcp/transport-http';

/** A Worker with nothing around the transport, made at the first request: managers may do I/O. */
export function serve(createTransport: () => HttpTransport): {
	fetch(request: Request): Promise<Response>;
} {
	let transport: HttpTransport | undefined;
	return {
		async fetch(request) {
			transport ??= createTransport();
			return (await transport.respond(request)) ?? new Response('Not found', { status: 404 });
		},
	};
}
