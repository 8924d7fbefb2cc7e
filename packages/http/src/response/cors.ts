import type { HttpTransportOptions } from '@tmcp/transport-http';

type CorsOption = HttpTransportOptions['cors'];

const DEFAULTS = {
	/** A client in a browser cannot read its session id without this. */
	exposedHeaders: ['Mcp-Session-Id', 'WWW-Authenticate', 'Retry-After'],
	/** The asterisk does not cover Authorization (Fetch standard). */
	allowedHeaders: ['*', 'Authorization'],
};

/** Returns the transport's CORS options: the deployment's, and what a client in a browser needs. */
export function corsOptions(cors: CorsOption): { cors?: NonNullable<CorsOption> } {
	return cors ? { cors: { ...DEFAULTS, ...(cors === true ? { origin: true } : cors) } } : {};
}

/** A transport, as far as CORS needs it. */
export interface Responder {
	respond(request: Request): Promise<Response | null>;
}

/**
 * Adds the transport's CORS headers to a response that the transport has not made. Asks the transport
 * for them with a preflight request.
 */
export async function withCors(
	response: Response,
	request: Request,
	transport: Responder,
): Promise<Response> {
	if (response.headers.has('access-control-allow-methods')) {
		// A cache must not serve the answer of one origin to another.
		response.headers.append('Vary', 'Origin');
		return response;
	}
	const origin = request.headers.get('origin');
	const preflight = new Request(request.url, {
		method: 'OPTIONS',
		...(origin !== null && { headers: { origin } }),
	});
	const allowed = await transport.respond(preflight);
	const copy = new Response(response.body, response);
	copy.headers.append('Vary', 'Origin');
	allowed?.headers.forEach((value, name) => {
		if (name.startsWith('access-control-')) copy.headers.set(name, value);
	});
	return copy;
}
