import { readReply } from '../connection/call.ts';
import type { ProbeRequest } from '../connection/connection.ts';
import { failed, passed, skipped } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { requestsOf } from '../eras.ts';
import { isServed } from '../target.ts';
import type { Target } from '../target.ts';

/** The headers of a client in a browser that a preflight asks for. */
const NEEDED = ['content-type', 'authorization', 'mcp-protocol-version', 'mcp-session-id'];
const SESSION_ID = 'mcp-session-id';

/** Does what a browser does for a page of the given origin: a preflight, then a request. */
export async function checkBrowser(target: Target): Promise<Finding> {
	const { connection, expectations, sessionBased } = target;
	const { origin } = expectations;
	if (origin === undefined) return skipped('name the origin of a web page with --origin');
	const preflight = await readReply(connection, preflightRequest(origin));
	const problem = preflightProblem(preflight.status, preflight.headers, origin);
	if (problem !== undefined) return refused(origin, `the preflight ${problem}`);
	const request = requestsOf(target)({ method: 'tools/list', id: 61 });
	const reply = await readReply(connection, {
		...request,
		headers: { ...request.headers, origin },
	});
	if (!allows(reply.headers, origin)) {
		return refused(origin, `the response (${reply.status}) does not allow the origin to read it`);
	}
	const exposed = listOf(reply.headers, 'access-control-expose-headers');
	const hasSessions = isServed(sessionBased) && sessionBased.session.id !== undefined;
	if (hasSessions && !exposed.includes(SESSION_ID) && !exposed.includes('*')) {
		return refused(origin, 'Access-Control-Expose-Headers does not name Mcp-Session-Id');
	}
	return passed(`pages of ${origin} can use the server`);
}

function preflightRequest(origin: string): ProbeRequest {
	return {
		method: 'OPTIONS',
		headers: {
			origin,
			'access-control-request-method': 'POST',
			'access-control-request-headers': NEEDED.join(','),
		},
	};
}

function preflightProblem(status: number, headers: Headers, origin: string): string | undefined {
	if (status < 200 || status > 299) return `was answered with ${status}`;
	if (!allows(headers, origin)) return 'does not allow the origin';
	const allowed = listOf(headers, 'access-control-allow-headers');
	// The asterisk does not cover Authorization (Fetch standard).
	const missing = NEEDED.filter(
		(name) => !allowed.includes(name) && (name === 'authorization' || !allowed.includes('*')),
	);
	return missing.length > 0 ? `does not allow the headers ${missing.join(', ')}` : undefined;
}

function allows(headers: Headers, origin: string): boolean {
	const allowed = headers.get('access-control-allow-origin');
	return allowed === '*' || allowed === origin;
}

function listOf(headers: Headers, name: string): string[] {
	return (headers.get(name) ?? '').split(',').map((entry) => entry.trim().toLowerCase());
}

function refused(origin: string, problem: string): Finding {
	return failed(`a page of ${origin} cannot use the server: ${problem}`, {
		cause: 'browsers block requests to another origin that the server does not allow',
		fix: 'allow the origin; with createMcpHandler, add it to the option cors',
	});
}
