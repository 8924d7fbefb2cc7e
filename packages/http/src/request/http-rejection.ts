import { TmcpSessionsError } from '@tmcp-sessions/core';
import type { ErrorCode } from '@tmcp-sessions/core';

/** How a request is refused. */
export interface RejectionDetail {
	/** The HTTP status. */
	readonly status: number;
	/** The code of the JSON-RPC error. */
	readonly code: number;
	/** What the client can do: nothing of what is inside, no id and no token. */
	readonly message: string;
	readonly headers?: Readonly<Record<string, string>> | undefined;
	readonly data?: unknown;
}

/** A request that is not answered, and what its client is told. Only the client has to know. */
export class HttpRejection extends Error {
	override readonly name = 'HttpRejection';
	readonly detail: RejectionDetail;

	constructor(detail: RejectionDetail) {
		super(detail.message);
		this.detail = detail;
	}
}

/** A request that is not one: 400 where nothing else is said. */
export function invalidRequest(message: string, status = 400): HttpRejection {
	return new HttpRejection({ status, code: -32600, message });
}

/** An id that is forged, someone else's, ended or expired: the client cannot tell which. */
export function unknownSession(): HttpRejection {
	return new HttpRejection({
		status: 404,
		code: -32001,
		message: 'The session is not known or has ended; open a new one with initialize',
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
		message: 'The Mcp-Session-Id header holds no session id of this server',
	},
	'session-too-large': {
		status: 400,
		code: -32602,
		message:
			'What the client says of itself is too long for a session of this server; ' +
			'declare fewer capabilities, or shorter ones',
	},
	'unknown-session': unknownSession().detail,
};

/** What a client is told of whatever ended its request. */
export function rejectionDetailOf(error: unknown): RejectionDetail {
	if (error instanceof HttpRejection) return error.detail;
	return (error instanceof TmcpSessionsError && BY_CODE[error.code]) || INTERNAL;
}

/** The JSON-RPC error that says it. */
export function errorMessage(detail: RejectionDetail, id: string | number | null): object {
	const { code, message, data } = detail;
	return { jsonrpc: '2.0', id, error: { code, message, ...(data !== undefined && { data }) } };
}

/** The response that says it. */
export function rejectionResponse(detail: RejectionDetail, id: string | number | null): Response {
	const { status, headers = {} } = detail;
	return Response.json(errorMessage(detail, id), { status, headers });
}
