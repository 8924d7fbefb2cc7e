import { describeReply, excerptOf, readReply } from './connection/call.ts';
import type { Reply } from './connection/call.ts';
import type { Connection } from './connection/connection.ts';
import { objectOf } from './connection/event-stream.ts';
import {
	STATELESS_VERSION,
	endRequest,
	initializeRequest,
	sessionRequest,
	statelessRequest,
} from './connection/requests.ts';
import { platformOf } from './platform.ts';
import { ProbeError } from './probe-error.ts';
import { isServed } from './target.ts';
import type { Era, Expectations, Refused, SessionEra, Target } from './target.ts';

/**
 * Sends the handshakes of both eras, and opens the session that the checks use.
 *
 * @throws {ProbeError} if the address cannot be reached or is not an MCP endpoint for this caller.
 */
export async function openTarget(
	connection: Connection,
	expectations: Expectations,
): Promise<Target> {
	const initialized = await initialize(connection);
	const sessionBased = sessionEraOf(initialized);
	try {
		const isOpened = initialized.response !== undefined && 'result' in initialized.response;
		if (!isOpened) checkReachable(connection, initialized);
		const discover = statelessRequest({ method: 'server/discover', id: 2 });
		const discovered = await readReply(connection, discover);
		if (!initialized.response && !discovered.response) throw notMcp(connection, initialized);
		if (isServed(sessionBased)) {
			const notification = { method: 'notifications/initialized' };
			await readReply(connection, sessionRequest(sessionBased.session, notification));
		}
		return {
			connection,
			expectations,
			platform: platformOf(connection.url, initialized.headers),
			sessionBased,
			stateless: statelessEraOf(discovered),
		};
	} catch (error) {
		await closeTarget({ connection, sessionBased });
		throw error;
	}
}

/** How long `initialize` may still take after Ctrl-C. */
const GRACE_MS = 1_000;

/** Opens the session. Delays Ctrl-C, because a session can only be ended once its id has arrived. */
async function initialize(connection: Connection): Promise<Reply> {
	const { signal } = connection;
	const delayed = new AbortController();
	let timer: ReturnType<typeof setTimeout> | undefined;
	const abort = (): void => {
		timer = setTimeout(() => delayed.abort(), GRACE_MS);
	};
	signal.addEventListener('abort', abort, { once: true });
	try {
		return await readReply({ ...connection, signal: delayed.signal }, initializeRequest());
	} finally {
		signal.removeEventListener('abort', abort);
		clearTimeout(timer);
	}
}

/** Ends the session of a probe, whether or not the server can. */
export async function closeTarget({
	connection,
	sessionBased,
}: Pick<Target, 'connection' | 'sessionBased'>): Promise<void> {
	if (!isServed(sessionBased) || sessionBased.session.id === undefined) return;
	// Also after Ctrl-C: the session is the only thing that a probe leaves on the server.
	const open = { ...connection, signal: new AbortController().signal };
	await readReply(open, endRequest(sessionBased.session)).catch(() => {});
}

function sessionEraOf({ headers, response, status }: Reply): SessionEra | Refused {
	const result = objectOf(response, 'result');
	const { protocolVersion } = result;
	if (typeof protocolVersion !== 'string') return { status, response };
	const id = headers.get('mcp-session-id') ?? undefined;
	return {
		session: { id, protocolVersion },
		serverName: nameOf(objectOf(result, 'serverInfo')),
		capabilities: objectOf(result, 'capabilities'),
	};
}

function statelessEraOf({ response, status }: Reply): Era | Refused {
	const result = objectOf(response, 'result');
	const { supportedVersions } = result;
	if (!Array.isArray(supportedVersions) || !supportedVersions.includes(STATELESS_VERSION)) {
		return { status, response };
	}
	const info = objectOf(objectOf(result, '_meta'), 'io.modelcontextprotocol/serverInfo');
	return {
		serverName: nameOf('name' in info ? info : objectOf(result, 'serverInfo')),
		capabilities: objectOf(result, 'capabilities'),
	};
}

function nameOf({ name, version }: Readonly<Record<string, unknown>>): string {
	return typeof name === 'string'
		? excerptOf(`${name} ${typeof version === 'string' ? version : ''}`)
		: 'a server without a name';
}

/** @throws {ProbeError} for a refusal that no message of another era would avoid. */
function checkReachable({ url, headers }: Connection, reply: Reply): void {
	const { status } = reply;
	const location = reply.headers.get('location');
	if (status >= 300 && status < 400) {
		const to = location === null ? 'without a Location' : `to ${withoutQuery(location, url)}`;
		throw new ProbeError(
			'redirect',
			`${url.href} redirects ${to} (${status})`,
			'MCP clients do not follow a redirected POST: use the final address in clients and here',
		);
	}
	if (status === 401 || status === 403) throw unauthorized(url, headers, reply);
	if (status === 429 || status >= 500) {
		throw new ProbeError(
			'server-error',
			`${url.href} answered ${describeBody(reply)}`,
			status === 429
				? 'wait, and probe less often'
				: 'the log of the server has the reason; for a Worker, npx wrangler tail shows it',
		);
	}
	if (isHtml(reply)) throw notMcp({ url }, reply);
}

function unauthorized(
	url: URL,
	headers: Readonly<Record<string, string>>,
	reply: Reply,
): ProbeError {
	const hasToken = Object.keys(headers).some((name) => /^authorization$/i.test(name));
	const challenge = reply.headers.get('www-authenticate');
	const scheme =
		challenge === null ? '' : `, and asks for ${excerptOf(challenge.split(' ')[0] ?? '')}`;
	if (reply.status === 403) {
		return new ProbeError(
			'unauthorized',
			`${url.href} refused the request: ${describeBody(reply)}`,
			hasToken
				? 'send a token that has the rights for this server, and check the host in the URL'
				: 'check the host in the URL and whether the server needs a token: pass it with --header',
		);
	}
	return new ProbeError(
		'unauthorized',
		hasToken
			? `${url.href} does not accept the token (${reply.status})`
			: `${url.href} needs a token (${reply.status}${scheme})`,
		hasToken
			? 'send a token that is valid for this server and has not expired'
			: "pass one with --header 'Authorization: Bearer …', or name its variable with --bearer-env",
	);
}

function notMcp({ url }: Pick<Connection, 'url'>, reply: Reply): ProbeError {
	const { status } = reply;
	const hint =
		url.pathname === '/' || url.pathname === ''
			? `the address of an endpoint has a path, often /mcp: ${new URL('/mcp', url).href}`
			: `check the path ${url.pathname}: the endpoint may be at another one, such as /mcp`;
	if (isHtml(reply)) {
		return new ProbeError(
			'not-mcp',
			`${url.href} answered with a web page (${status}, HTML)`,
			hint,
		);
	}
	if (status === 404)
		return new ProbeError('not-mcp', `there is nothing at ${url.href} (404)`, hint);
	if (status === 405) {
		return new ProbeError(
			'not-mcp',
			`${url.href} accepts no POST (405)`,
			'a server of the transport of 2024-11-05 (HTTP+SSE) has its endpoint for Streamable HTTP elsewhere, ' +
				`if it has one; ${hint}`,
		);
	}
	return new ProbeError(
		'not-mcp',
		`${url.href} is not an MCP endpoint: it answered initialize with ${describeBody(reply)}`,
		hint,
	);
}

function isHtml({ headers, text }: Reply): boolean {
	return /html/i.test(headers.get('content-type') ?? '') || /^\s*<(?:!doctype|html)/i.test(text);
}

/** Describes a body that is no JSON-RPC response. */
function describeBody(reply: Reply): string {
	if (reply.response) return describeReply(reply);
	const type = reply.headers.get('content-type')?.split(';', 1)[0] ?? 'no content type';
	const text = isHtml(reply) ? '' : excerptOf(reply.text);
	return `${reply.status}, ${type}${text ? `: ${text}` : ', without JSON-RPC'}`;
}

/** A query may contain a secret. */
function withoutQuery(location: string, base: URL): string {
	if (!URL.canParse(location, base.href)) return 'an invalid address';
	const url = new URL(location, base);
	url.username = url.password = url.search = url.hash = '';
	return url.href;
}
