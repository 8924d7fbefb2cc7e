import type { RequestScope } from '@tmcp-sessions/core/backend';
import { runInScope } from '@tmcp-sessions/core/internal';
import { ManualClock } from '@tmcp-sessions/testkit';

import { createRequestStateCodec } from '../src/request-state/codec.ts';
import type { RequestStateCodec, RequestStateCodecOptions } from '../src/request-state/codec.ts';

/** The default key of the codecs. */
export const KEY = 'a-key-of-the-tests-32-characters';
/** The error of every rejected state. */
export const INVALID_STATE: { name: string; code: string; message: string } = {
	name: 'RequestStateError',
	code: 'request-state',
	message:
		"[tmcp-sessions/http] the request state is not one of this server's for this request, was used, " +
		'or has expired: send the request again without it',
};
/** The default state to seal. */
export const STATE: object = { version: 1, state: { secret: 'the secret of the server', step: 2 } };

/** Creates the message of a tool call. */
export function call(params: object = {}, envelope: object = {}): object {
	const args = { to: 'bob', amount: 100, notes: [{ a: 1, b: 2 }, 'c'] };
	return {
		jsonrpc: '2.0',
		id: 1,
		method: 'tools/call',
		params: { name: 'transfer', arguments: args, ...params },
		...envelope,
	};
}

/** Runs a function in the scope of a request: by default, a tool call of alice. */
export function inRequest<Result>(run: () => Result, scope: Partial<RequestScope> = {}): Result {
	return runInScope({ waitUntil: () => {}, principal: 'alice', message: call(), ...scope }, run);
}

/** Seals a state in the scope of a request. */
export function seal(
	codec: RequestStateCodec,
	scope?: Partial<RequestScope>,
	state: unknown = STATE,
): Promise<string> {
	return inRequest(() => codec.encode(state), scope);
}

/** Opens a sealed state in the scope of a request. */
export function open(
	codec: RequestStateCodec,
	encoded: string,
	scope?: Partial<RequestScope>,
): Promise<unknown> {
	return inRequest(() => codec.decode(encoded), scope);
}

/** Creates a codec with a manual clock. */
export function setUp(options: Partial<RequestStateCodecOptions> = {}): {
	clock: ManualClock;
	codec: RequestStateCodec;
} {
	const clock = new ManualClock();
	return { clock, codec: createRequestStateCodec({ keys: [KEY], now: clock.now, ...options }) };
}
