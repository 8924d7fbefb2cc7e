import { expect } from 'vitest';

import type { Incoming, Received } from '../endpoint.ts';

/** What a refusal has to look like. */
interface HttpRejection {
	readonly status: number;
	/** The JSON-RPC error code, where the specification names one. */
	readonly code?: number;
	/** What the message has to name: what is wrong, or what to do. */
	readonly says?: RegExp;
	/** What the answer must not repeat: an id, a token. */
	readonly hides?: string | undefined;
}

/** Expects a JSON-RPC error with this status, that says what to do and repeats no secret. */
export async function expectRefusal(
	answering: Incoming | Promise<Incoming>,
	{ status, code, says = /\w+ \w+/, hides }: HttpRejection,
): Promise<Received> {
	const answer = await answering;
	// A stream that stays open was no refusal.
	if (answer.status === status) await answer.ended;
	else answer.destroy();
	expect({ status: answer.status, text: answer.text }).toMatchObject({ status });
	expect(answer.headers['content-type']).toMatch(/^application\/json/);
	const { response } = answer;
	expect(response).toMatchObject({
		jsonrpc: '2.0',
		error: { code: code ?? expect.any(Number), message: expect.stringMatching(says) },
	});
	if (hides !== undefined) {
		expect(answer.text).not.toContain(hides);
		expect(JSON.stringify(answer.headers)).not.toContain(hides);
	}
	return response;
}
