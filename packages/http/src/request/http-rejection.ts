import { StreamError, TmcpSessionsError } from '@tmcp-sessions/core';
import type { ErrorCode } from '@tmcp-sessions/core';

import { errorResponse } from './json-rpc.ts';
import type { JsonObject } from './json-rpc.ts';
import { isWorkers } from '../platform.ts';
import { isForwarded, isLoopback } from './loopback.ts';

/** How a request is rejected, besides its status and its error. */
export interface RejectionExtras {
	readonly headers?: Readonly<Record<string, string>> | undefined;
	readonly data?: unknown;
}

/** Rejects a request. The error is for its client only and is not reported. */
export class HttpRejection extends Error {
	override readonly name = 'HttpRejection';
	/** The HTTP status. */
	readonly status: number;
	/** The code of the JSON-RPC error. */
	readonly code: number;
	readonly extras: RejectionExtras | undefined;

	/** @param message what the client can do about it. Must not contain ids, tokens or internals. */
	constructor(status: number, code: number, message: string, extras?: RejectionExtras) {
		super(message);
		this.status = status;
		this.code = code;
		this.extras = extras;
	}
}

/** Creates the rejection of an invalid request. */
export function invalidRequest(message: string, status = 400): HttpRejection {
	return new HttpRejection(status, -32600, message);
}

/** Creates the rejection of a message whose params are invalid. */
export function invalidParams(message: string, status = 400): HttpRejection {
	return new HttpRejection(status, -32602, `Invalid params: ${message}`);
}

/** Creates the same rejection for sessions that are forged, foreign, ended and expired. */
export function unknownSession(): HttpRejection {
	return new HttpRejection(
		404,
		-32001,
		'The session is unknown or has ended; open a new one with initialize',
	);
}

/** Creates the rejection of a client that holds as much open as it may. */
function boundReached(reason: string): HttpRejection {
	const message = `${reason.charAt(0).toUpperCase()}${reason.slice(1)}`;
	return new HttpRejection(429, -32000, message, { headers: { 'Retry-After': '5' } });
}

const INTERNAL = new HttpRejection(500, -32603, 'Internal error');
const MISCONFIGURED = new HttpRejection(
	500,
	-32603,
	'The server is misconfigured; its log says how to fix it',
);
const UNREACHABLE = new HttpRejection(
	503,
	-32603,
	'The server cannot reach its session storage; try again later',
	{ headers: { 'Retry-After': '5' } },
);
const BY_CODE: Partial<Record<ErrorCode, HttpRejection>> = {
	binding: MISCONFIGURED,
	configuration: MISCONFIGURED,
	store: UNREACHABLE,
	stream: UNREACHABLE,
	'invalid-session-id': invalidRequest('The Mcp-Session-Id header holds an invalid session id'),
	'session-too-large': invalidParams(
		'clientInfo and capabilities are too long for a session; declare fewer capabilities',
	),
	'unknown-session': unknownSession(),
};

/**
 * Whether an error concerns its client only and is not reported: the request was rejected, or its session
 * ended while it was handled.
 */
export function isForClient(error: unknown): boolean {
	return error instanceof HttpRejection || hasEndedSession(error);
}

/** Whether an operation failed because its session has ended, which may happen while it runs. */
export function hasEndedSession(error: unknown): boolean {
	return error instanceof TmcpSessionsError && error.code === 'unknown-session';
}

/** Returns what a client may learn of an error. */
export function rejectionOf(error: unknown): HttpRejection {
	if (error instanceof HttpRejection) return error;
	if (error instanceof StreamError && error.bound) return boundReached(error.bound);
	return (error instanceof TmcpSessionsError && BY_CODE[error.code]) || INTERNAL;
}

/** Returns the rejection that says, as the log does, why a request to this machine failed. */
export function explainError(error: unknown, request: Request): HttpRejection | undefined {
	if (isMistake(error)) return localRejection(error.message, request.url);
	// The error of a callback may hold a secret. Behind a proxy of another runtime, requests of all clients
	// may name this machine, in production too.
	if (!(error instanceof Error) || rejectionOf(error) !== INTERNAL) return undefined;
	if (!isWorkers() || isForwarded(request)) return undefined;
	return localRejection(`${INTERNAL.message}: ${error.message}`, request.url);
}

/**
 * Creates the rejection of a request to this machine, as in development. Returns `undefined` for any
 * other, which must not get the message.
 */
export function localRejection(mistake: string, url: string): HttpRejection | undefined {
	if (!isLoopback(new URL(url).hostname)) return undefined;
	return new HttpRejection(MISCONFIGURED.status, MISCONFIGURED.code, mistake);
}

/** Whether an error is a mistake of the deployment, which fails every request in the same way. */
export function isMistake(error: unknown): error is TmcpSessionsError {
	return error instanceof TmcpSessionsError && BY_CODE[error.code] === MISCONFIGURED;
}

/** Creates the JSON-RPC error that tells a client of an error what it may learn. */
export function errorMessage(error: unknown, id: string | number | undefined): JsonObject {
	const { code, message, extras } = rejectionOf(error);
	return errorResponse(id ?? null, code, message, extras?.data);
}
