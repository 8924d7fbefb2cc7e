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
 * Which states of a server are sealed: those that are JSON objects, as tmcp's default codec writes them,
 * or every one. Other states of tmcp come from a codec of the server.
 */
export type SealedStates = 'every' | 'json-objects';

/**
 * Seals a state of a server.
 *
 * @throws {RequestStateError} if the state is too long.
 */
export async function sealState(
	codec: RequestStateCodec,
	state: string,
	states: SealedStates,
): Promise<string> {
	const isSealed = states === 'every' || JSON_OBJECT.test(state);
	return isSealed ? PREFIX + (await codec.encode(state)) : state;
}

/**
 * Opens a state that `sealState` returned.
 *
 * @throws {RequestStateError} if it is invalid, or was to be sealed, so that only a client can have
 * written it.
 */
export async function openState(
	codec: RequestStateCodec,
	state: string,
	states: SealedStates,
): Promise<string> {
	if (!state.startsWith(PREFIX)) {
		if (states === 'every' || JSON_OBJECT.test(state)) throw invalidState();
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
