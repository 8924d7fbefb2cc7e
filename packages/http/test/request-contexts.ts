import { CallProgress } from '../src/calls/call-progress.ts';
import { CachedHeaders } from '../src/request/cached-headers.ts';
import { RequestContext } from '../src/request/request-context.ts';
import type { RequestDetails } from '../src/request/request-context.ts';

/** Creates the context of a POST without a principal. */
export function requestContext(
	details: RequestDetails,
	headers: Headers = new Headers(),
): RequestContext {
	const origin = {
		method: 'POST',
		headers: new CachedHeaders(headers),
		auth: null,
		principal: '',
		platform: undefined,
		pickShard: () => '0',
		report: () => {},
	};
	return new RequestContext(origin, details, new CallProgress({}));
}
