import { configurationError } from '../configuration-error.ts';
import type { ExecutionContextLike, McpHandler } from '../options.ts';
import { CachedHeaders } from '../request/cached-headers.ts';
import { toResponse } from '../response/answer.ts';
import type { Answer } from '../response/answer.ts';
import { withCors } from '../response/cors.ts';
import { rejectionAnswer } from '../response/rejection-answer.ts';
import type { OriginGuard } from '../validation/origin-guard.ts';

/** Answers the HTTP requests of a handler. */
interface HttpEndpoint {
	/** @throws if the request is rejected before its message is read. */
	respond(
		request: Request,
		headers: CachedHeaders,
		platform: ExecutionContextLike | undefined,
	): Promise<Answer>;
}

/**
 * Creates the handler of an endpoint. Its errors become rejections, and every answer gets CORS headers.
 *
 * @param create called at the first request, whose environment has the session keys.
 */
export function serveEndpoint(
	create: (env: unknown, platform: ExecutionContextLike | undefined) => HttpEndpoint,
	origins: OriginGuard,
	report: (error: unknown) => void,
): McpHandler {
	let endpoint: HttpEndpoint | undefined;
	return {
		async fetch(request, env, platform) {
			checkRequest(request);
			const headers = new CachedHeaders(request.headers);
			let answer: Answer;
			try {
				endpoint ??= create(env, platform);
				answer = await endpoint.respond(request, headers, platform);
			} catch (error) {
				answer = rejectionAnswer(error, report, undefined, request);
			}
			return toResponse(withCors(answer, headers, request, origins));
		},
	};
}

/** @throws {TmcpSessionsError} `configuration` for what a framework passes in place of a request. */
function checkRequest(request: unknown): void {
	const { headers } = Object(request) as { readonly headers?: Partial<Headers> };
	if (typeof headers?.get === 'function') return;
	throw configurationError(
		'fetch needs a Request; got another object. In Hono pass c.req.raw; in Express use an adapter ' +
			'that creates a Request',
	);
}
