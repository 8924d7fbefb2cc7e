import type { HttpTransportOptions } from '@tmcp/transport-http';

type CorsOption = HttpTransportOptions['cors'];

const DEFAULTS = {
	/** What a browser's client must be let see: without its session's id it has no session. */
	exposedHeaders: ['Mcp-Session-Id', 'WWW-Authenticate', 'Retry-After'],
	/** The Fetch standard leaves Authorization out of the asterisk. */
	allowedHeaders: ['*', 'Authorization'],
};

/** What a transport is told of CORS: what is asked for, and what a browser's client needs. */
export function corsOptions(cors: CorsOption): { cors?: NonNullable<CorsOption> } {
	return cors ? { cors: { ...DEFAULTS, ...(cors === true ? { origin: true } : cors) } } : {};
}

/** A transport, as far as it is asked for its headers. */
export interface Responder {
	respond(request: Request): Promise<Response | null>;
}

/**
 * Gives a response that is not the transport's own the headers that it would have: they are the
 * transport's to make, which is asked for them as a browser would.
 */
export async function withCors(
	response: Response,
	request: Request,
	transport: Responder,
): Promise<Response> {
	if (response.headers.has('access-control-allow-methods')) {
		// One answer for each origin: a cache must not give it to another.
		response.headers.append('Vary', 'Origin');
		return response;
	}
	const origin = request.headers.get('origin');
	const asked = new Request(request.url, {
		method: 'OPTIONS',
		...(origin !== null && { headers: { origin } }),
	});
	const answer = await transport.respond(asked);
	const shown = new Response(response.body, response);
	shown.headers.append('Vary', 'Origin');
	answer?.headers.forEach((value, name) => {
		if (name.startsWith('access-control-')) shown.headers.set(name, value);
	});
	return shown;
}
