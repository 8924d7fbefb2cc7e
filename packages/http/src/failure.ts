import { TmcpSessionsError } from '@tmcp-sessions/core';
import type { ErrorCode } from '@tmcp-sessions/core';

/** What a client is told of a failure: what it can do, and nothing of what is inside. */
export interface Failure {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: {
		readonly jsonrpc: '2.0';
		readonly id: null;
		readonly error: { readonly code: number; readonly message: string };
	};
}

interface Answer {
	readonly status: number;
	readonly code: number;
	readonly message: string;
	readonly headers?: Readonly<Record<string, string>>;
}

const INTERNAL: Answer = { status: 500, code: -32603, message: 'Internal error' };
const UNREACHABLE: Answer = {
	status: 503,
	code: -32603,
	message: 'The server cannot reach its session storage; try again later',
	headers: { 'Retry-After': '5' },
};
const BY_CODE: Partial<Record<ErrorCode, Answer>> = {
	store: UNREACHABLE,
	stream: UNREACHABLE,
	'invalid-session-id': {
		status: 400,
		code: -32600,
		message: 'The Mcp-Session-Id header holds no session id of this server',
	},
	'unknown-session': {
		status: 404,
		code: -32001,
		message: 'The session is not known or has ended; open a new one with initialize',
	},
};

/** How to answer a request that failed. */
export function failureOf(error: unknown): Failure {
	const known = error instanceof TmcpSessionsError ? BY_CODE[error.code] : undefined;
	const { status, code, message, headers = {} } = known ?? INTERNAL;
	return { status, headers, body: { jsonrpc: '2.0', id: null, error: { code, message } } };
}
