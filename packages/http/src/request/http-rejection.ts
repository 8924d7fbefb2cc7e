import { TmcpSessionsError } from '@tmcp-sessions/core';
import type { ErrorCode } from '@tmcp-sessions/core';

/** How a request is rejected. */
export interface RejectionDetail {
	/** The HTTP status. */
	readonly status: number;
	/** The code of the JSON-RPC error. */
	readonly code: number;
	/** What the client can do about it. Must not contain ids, tokens or internals. */
	readonly message: string;
	readonly headers?: Readonly<Record<string, string>> | undefined;
	readonly data?: unknown;
}

/** Rejects a request. The error is for its client only and is not reported. */
export class HttpRejection extends Error {
	override readonly name = 'HttpRejection';
	readonly detail: RejectionDetail;

	constructor(detail: RejectionDetail) {
		super(detail.message);
		this.detail = detail;
	}
}

/** Creates the rejection of an invalid request. */
export function invalidRequest(message: string, status = 400): HttpRejection {
	return new HttpRejection({ status, code: -32600, message });
}

/** Creates the rejection of a message whose params are invalid. */
export function invalidParams(message: string, status = 400): HttpRejection {
	return new HttpRejection({ status, code: -32602, message: `Invalid params: ${message}` });
}

/** Creates the same rejection for sessions that are forged, foreign, ended and expired. */
export function unknownSession(): HttpRejection {
	return new HttpRejection({
		status: 404,
		code: -32001,
		message: 'The session is unknown or has ended; open a new one with initialize',
	});
}

const INTERNAL: RejectionDetail = { status: 500, code: -32603, message: 'Internal error' };
const UNREACHABLE: RejectionDetail = {
	status: 503,
	code: -32603,
	message: 'The server cannot reach its session storage; try again later',
	headers: { 'Retry-After': '5' },
};
const BY_CODE: Partial<Record<ErrorCode, RejectionDetail>> = {
	store: UNREACHABLE,
	stream: UNREACHABLE,
	'invalid-session-id': {
		status: 400,
		code: -32600,
		message: 'The Mcp-Session-Id header holds an invalid session id',
	},
	'session-too-large': {
		status: 400,
		code: -32602,
		message:
			'The clientInfo and capabilities are too long for a session of this server; ' +
			'declare fewer capabilities, or shorter ones',
	},
	'unknown-session': unknownSession().detail,
};

/** Returns what a client may learn of an error. */
export function rejectionDetailOf(error: unknown): RejectionDetail {
	if (error instanceof HttpRejection) return error.detail;
	return (error instanceof TmcpSessionsError && BY_CODE[error.code]) || INTERNAL;
}

/** Creates the JSON-RPC error of a rejection. */
export function errorMessage(detail: RejectionDetail, id: string | number | null): object {
	const { code, message, data } = detail;
	return { jsonrpc: '2.0', id, error: { code, message, ...(data !== undefined && { data }) } };
}
