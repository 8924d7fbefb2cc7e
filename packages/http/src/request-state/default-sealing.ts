import { createRequestStateCodec, invalidState, RequestStateError } from './codec.ts';
import type { RequestStateCodec } from './codec.ts';

/** Begins the states that were sealed here. No codec of tmcp or of this package writes it. */
const PREFIX = 'sealed.';
/** tmcp's default codec writes a JSON object, and would read one that begins with these spaces. */
const JSON_OBJECT = /^[\t\n\r ]*\{/;

/**
 * Returns the secrets that seal request states; undefined if there are none that all isolates share.
 * A first secret may be created `to` seal.
 */
export type StateSecrets = (to: 'open' | 'seal') => readonly string[] | undefined;

/** Returns the default codec of a deployment; undefined if it has no secrets. */
export type DefaultCodec = (to: 'open' | 'seal') => RequestStateCodec | undefined;

/** Creates the codec that seals the request states of servers without a codec of their own. */
export function createDefaultCodec(secrets: StateSecrets): DefaultCodec {
	let codec: RequestStateCodec | undefined;
	let secretsOfCodec = '';
	return (to) => {
		const keys = secrets(to);
		if (!keys) return undefined;
		if (!codec || secretsOfCodec !== keys.join()) codec = createRequestStateCodec({ keys });
		secretsOfCodec = keys.join();
		return codec;
	};
}

/**
 * Seals a state that is a JSON object, as tmcp's default codec writes it. Other states come from the
 * server's own codec and are returned as they are.
 *
 * @throws {RequestStateError} if the state is too long.
 */
export async function sealState(codec: RequestStateCodec, state: string): Promise<string> {
	return JSON_OBJECT.test(state) ? PREFIX + (await codec.encode(state)) : state;
}

/**
 * Opens a state that `sealState` returned.
 *
 * @throws {RequestStateError} if it is invalid, or a JSON object, which only a client can have written.
 */
export async function openState(codec: RequestStateCodec, state: string): Promise<string> {
	if (!state.startsWith(PREFIX)) {
		if (JSON_OBJECT.test(state)) throw invalidState();
		return state;
	}
	const opened = await codec.decode(state.slice(PREFIX.length));
	if (typeof opened !== 'string') throw invalidState();
	return opened;
}

/**
 * Returns the text of the error that a client gets for a state.
 *
 * @throws the error itself, if it is not about the state.
 */
export function invalidRequestState(error: unknown): string {
	if (error instanceof RequestStateError) return `Invalid "requestState": ${error.message}`;
	throw error;
}
