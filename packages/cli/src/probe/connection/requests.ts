import type { ProbeRequest } from './connection.ts';

/** The revision that the probe asks for in `initialize`. */
const SESSION_VERSION = '2025-11-25';
/** The revision without sessions. */
export const STATELESS_VERSION = '2026-07-28';
/** The identifier of the tasks extension. */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

const PREFIX = 'io.modelcontextprotocol/';
const clientInfo = { name: 'tmcp-sessions-probe', version: '1.0.0' };
const POST_HEADERS = {
	accept: 'application/json, text/event-stream',
	'content-type': 'application/json',
} as const;

/** A session that a server has opened for the probe. */
export interface OpenedSession {
	/** `undefined` if the server gives its clients no session id. */
	readonly id: string | undefined;
	readonly protocolVersion: string;
}

/** A request or a notification. */
export interface Call {
	readonly method: string;
	/** Left out for a notification. */
	readonly id?: number;
	readonly params?: Readonly<Record<string, unknown>>;
}

/** Creates the request that opens a session. */
export function initializeRequest(): ProbeRequest {
	const params = { protocolVersion: SESSION_VERSION, capabilities: {}, clientInfo };
	return {
		method: 'POST',
		headers: POST_HEADERS,
		body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
	};
}

/** Creates a message of a session. */
export function sessionRequest(session: OpenedSession, call: Call): ProbeRequest {
	return {
		method: 'POST',
		headers: { ...POST_HEADERS, ...sessionHeaders(session) },
		body: JSON.stringify({ jsonrpc: '2.0', ...call }),
	};
}

/** Creates the request that opens the stream of a session. */
export function streamRequest(session: OpenedSession): ProbeRequest {
	return {
		method: 'GET',
		headers: { accept: 'text/event-stream', ...sessionHeaders(session) },
		isApart: true,
	};
}

/** Creates the request that ends a session. */
export function endRequest(session: OpenedSession): ProbeRequest {
	return { method: 'DELETE', headers: sessionHeaders(session) };
}

/** Returns the headers of a session. */
function sessionHeaders({ id, protocolVersion }: OpenedSession): Record<string, string> {
	return {
		'mcp-protocol-version': protocolVersion,
		...(id !== undefined && { 'mcp-session-id': id }),
	};
}

/**
 * Creates a request of 2026-07-28, which needs no session.
 *
 * @param name of the tool or the task, which a header repeats.
 * @param knowsTasks whether the client declares the tasks extension. Servers may list other tools to it.
 */
export function statelessRequest(
	{ method, id, params = {} }: Call,
	name?: string,
	knowsTasks = false,
): ProbeRequest {
	const _meta = {
		[`${PREFIX}protocolVersion`]: STATELESS_VERSION,
		[`${PREFIX}clientInfo`]: clientInfo,
		[`${PREFIX}clientCapabilities`]: knowsTasks ? { extensions: { [TASKS_EXTENSION]: {} } } : {},
	};
	return {
		method: 'POST',
		headers: {
			...POST_HEADERS,
			'mcp-protocol-version': STATELESS_VERSION,
			'mcp-method': method,
			...(name !== undefined && { 'mcp-name': name }),
		},
		body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } }),
	};
}
