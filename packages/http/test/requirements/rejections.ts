import { expect } from 'vitest';

import type { IncomingResponse, Received } from '../endpoint.ts';

interface ExpectedRejection {
	readonly status: number;
	/** The JSON-RPC error code, if the specification defines one. */
	readonly code?: number;
	/** Matches the error message, which names the invalid part or the fix. */
	readonly message?: RegExp;
	/** A session id or token that the response must not contain. */
	readonly omits?: string | undefined;
}

/** Expects a JSON-RPC error with this status and message, and without the secret. */
export async function expectRejection(
	pending: IncomingResponse | Promise<IncomingResponse>,
	{ status, code, message = /\w+ \w+/, omits }: ExpectedRejection,
): Promise<Received> {
	const response = await pending;
	// A stream that was opened by mistake would never end.
	if (response.status === status) await response.ended;
	else response.destroy();
	expect({ status: response.status, text: response.text }).toMatchObject({ status });
	expect(response.headers['content-type']).toMatch(/^application\/json/);
	const { rpcResponse } = response;
	expect(rpcResponse).toMatchObject({
		jsonrpc: '2.0',
		error: { code: code ?? expect.any(Number), message: expect.stringMatching(message) },
	});
	if (omits !== undefined) {
		expect(response.text).not.toContain(omits);
		expect(JSON.stringify(response.headers)).not.toContain(omits);
	}
	return rpcResponse;
}
