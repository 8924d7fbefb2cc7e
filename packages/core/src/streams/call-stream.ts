import { fromBase64Url, toBase64Url } from '../ids/base64url.ts';

const CALL = 'call/';
const UUID_LENGTH = 36;
/** Room for 1,024 printable ASCII characters. A longer event id would be a burden on each frame. */
const MAX_ENCODED_LENGTH = 1_400;
/** The most characters of a stream's name. */
export const MAX_STREAM_LENGTH: number = CALL.length + UUID_LENGTH + 1 + MAX_ENCODED_LENGTH;

/**
 * The sequence of an event that nothing follows: any isolate that gets it as a last event id knows
 * that the client has everything.
 */
export const LAST_SEQUENCE = 999_999_999_999_999;

/**
 * Returns an unguessable name for the stream of a new call. It holds the id of the request, so that
 * an isolate that knows nothing of the call can answer the request.
 *
 * @returns `undefined` if the id takes more than 1,400 characters: the call cannot be resumed.
 */
export function newCallStream(requestId: string | number): string | undefined {
	const encoded = encodeRequestId(requestId);
	if (encoded.length > MAX_ENCODED_LENGTH) return undefined;
	return `${CALL}${crypto.randomUUID()}/${encoded}`;
}

/** Whether a stream is that of a call, not one that a client opened to listen. */
export function isCallStream(stream: string): boolean {
	return stream.startsWith(CALL);
}

/** Returns the id of the request that a call's stream belongs to, if the name holds one. */
export function requestIdOfCall(stream: string): string | number | undefined {
	const encoded = stream.slice(CALL.length + UUID_LENGTH + 1);
	const [kind, text] = [encoded[0], encoded.slice(1)];
	if (kind === 's') return text;
	try {
		const id: unknown = JSON.parse(kind === 'j' ? decodeText(text) : kind === 'n' ? text : '');
		return typeof id === 'string' || typeof id === 'number' ? id : undefined;
	} catch {
		return undefined;
	}
}

/** Most ids are integers or UUIDs, which stay readable. All others are JSON in base64url. */
function encodeRequestId(id: string | number): string {
	if (typeof id === 'number' && Number.isSafeInteger(id)) return `n${id}`;
	if (typeof id === 'string' && /^[\w.-]*$/.test(id)) return `s${id}`;
	return `j${toBase64Url(new TextEncoder().encode(JSON.stringify(id)))}`;
}

function decodeText(text: string): string {
	return new TextDecoder().decode(fromBase64Url(text));
}
