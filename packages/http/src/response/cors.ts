import type { CachedHeaders } from '../request/cached-headers.ts';
import type { OriginGuard } from '../validation/origin-guard.ts';
import type { Answer } from './answer.ts';

/** What a page needs besides `Access-Control-Allow-Origin`. */
const PAGE_HEADERS: Readonly<Record<string, string>> = {
	'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
	// The asterisk does not cover Authorization (Fetch standard).
	'access-control-allow-headers': '*, Authorization',
	// A client in a browser cannot read its session id without this.
	'access-control-expose-headers': 'Mcp-Session-Id, WWW-Authenticate, Retry-After',
	// The longest time that browsers keep the answer to a preflight.
	'access-control-max-age': '7200',
};

/**
 * Adds CORS headers to an answer of any part of the server: every page that may send a request may read the
 * answer. Headers that the answer has already, such as those of an OAuth helper, stay as they are.
 */
export function withCors(
	answer: Answer,
	headers: CachedHeaders,
	request: Request,
	origins: OriginGuard,
): Answer {
	const allowed = origins.readableBy(headers, request);
	// A cache must not serve the answer of one origin to another.
	const vary = origins.variesByOrigin || (allowed !== undefined && allowed !== '*');
	if (allowed === undefined && !vary) return answer;
	const added = {
		...(allowed !== undefined && { 'access-control-allow-origin': allowed, ...PAGE_HEADERS }),
		...(vary && { vary: 'Origin' }),
	};
	if (!(answer instanceof Response)) return { ...answer, headers: { ...added, ...answer.headers } };
	// A response of an object has immutable headers.
	const copy = new Response(answer.body, answer);
	for (const [name, value] of Object.entries(added)) {
		if (name === 'vary') copy.headers.append(name, value);
		else if (!copy.headers.has(name)) copy.headers.set(name, value);
	}
	return copy;
}
