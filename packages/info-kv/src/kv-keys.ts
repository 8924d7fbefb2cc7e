/** Workers KV takes keys of at most 512 bytes. https://developers.cloudflare.com/kv/platform/limits/ */
const MAX_KEY_BYTES = 512;
/** A SHA-256 in base64url without padding. */
const HASH_LENGTH = 43;

/*
 * The layout. `<id>` is URI encoded and so without a colon: no key is a prefix of another's by
 * accident. `<hash>` stands for a uri of any length.
 *
 *     tmcp:session:<id>      the record as JSON, or the marker of an ended session
 *     tmcp:ended:<id>        there once the session was ended: read before a record is changed
 *     tmcp:uri:<hash>:<id>   the session subscribed to the uri: lists the subscribers of a uri
 *     tmcp:own:<id>:<hash>   the same the other way round: lists the subscriptions of a session
 */

/** The longest URI encoded id that fits into all three keys. */
export const MAX_ID_BYTES: number = MAX_KEY_BYTES - 'tmcp:uri::'.length - HASH_LENGTH;

/** The key of a session's record. */
export function sessionKey(encodedId: string): string {
	return `tmcp:session:${encodedId}`;
}

/** The key that says that a session was ended. */
export function endedKey(encodedId: string): string {
	return `tmcp:ended:${encodedId}`;
}

/** What the keys of all subscribers of a uri begin with; the encoded id follows. */
export function subscribersPrefix(uriHash: string): string {
	return `tmcp:uri:${uriHash}:`;
}

/** What the keys of all subscriptions of a session begin with; the hash of the uri follows. */
export function subscriptionsPrefix(encodedId: string): string {
	return `tmcp:own:${encodedId}:`;
}
