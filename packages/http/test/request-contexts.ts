import { CallProgress } from '../src/calls/call-progress.ts';
import { CachedHeaders } from '../src/request/cached-headers.ts';
import { RequestContext } from '../src/request/request-context.ts';
import type { RequestDetails } from '../src/request/request-context.ts';

/** Creates the context of a POST without a principal. */
export function requestContext(
	details: RequestDetails,
	request: Request = new Request('https://mcp.example.com/mcp', { method: 'POST' }),
): RequestContext {
	const origin = {
		request,
		method: 'POST',
		headers: new CachedHeaders(request.headers),
		auth: null,
		principal: '',
		platform: undefined,
		pickShard: () => '0',
		report: () => {},
	};
	return new RequestContext(origin, details, new CallProgress({}));
}
