import type { CachedHeaders } from '../request/cached-headers.ts';
import type { PlainAnswer } from './answer.ts';

/** What a client connects to. */
export interface ConnectionTarget {
	readonly endpoint: string;
	/** The name of the transport in the command line of clients. */
	readonly transport: 'http' | 'sse';
	/** Whether requests need a token. */
	readonly hasAuth: boolean;
}

/**
 * Whether a person has opened an address in a browser. A GET of a client accepts `text/event-stream`, a
 * script of a page sends an `Origin`, and a client of a session names it.
 */
export function isBrowserVisit(method: string, headers: CachedHeaders): boolean {
	if (method !== 'GET') return false;
	const accept = headers.get('accept') ?? '';
	if (!accept.includes('text/html') || accept.includes('text/event-stream')) return false;
	return headers.get('origin') === null && headers.get('mcp-session-id') === null;
}

/**
 * Creates the answer to a browser, the same for every visitor: it reads nothing of any session. It is no
 * success, since a GET succeeds with an event stream only: 406 if there is one for other visitors, else
 * 405 with the methods that are allowed.
 *
 * @param allow the methods of an endpoint without streams.
 */
export function browserAnswer(
	{ endpoint, hasAuth, transport }: ConnectionTarget,
	allow?: string,
): PlainAnswer {
	return {
		status: allow === undefined ? 406 : 405,
		headers: {
			'content-type': 'text/plain;charset=UTF-8',
			'cache-control': 'no-store',
			...(allow !== undefined && { allow }),
		},
		body: `This is the endpoint of an MCP server (Model Context Protocol). It answers MCP clients, not browsers.
${howToConnect({ endpoint, hasAuth, transport })}`,
	};
}

/** Says how a client connects to an endpoint. */
export function howToConnect({ endpoint, hasAuth, transport }: ConnectionTarget): string {
	const header = hasAuth ? ' --header "Authorization: Bearer <token>"' : '';
	return `
Add this address to a client: ${endpoint}

  claude mcp add --transport ${transport} my-server ${endpoint}${header}
  npx -y @modelcontextprotocol/inspector --cli ${endpoint} --transport ${transport}${header} --method tools/list
${hasAuth ? '\nLeave --header out if the client signs you in itself.\n' : ''}`;
}
