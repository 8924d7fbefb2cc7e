/** The longest key of Workers KV. https://developers.cloudflare.com/kv/platform/limits/ */
const MAX_KEY_BYTES = 512;
/** A SHA-256 in base64url without padding. */
const HASH_LENGTH = 43;

/*
 * The keys. `<id>` is URI encoded and so contains no colon: no key is a prefix of another one by
 * accident. `<hash>` is the hash of a uri of any length.
 *
 *     tmcp:session:<id>      the record as JSON, or the tombstone of an ended session
 *     tmcp:ended:<id>        exists once the session has ended; read before a record is updated
 *     tmcp:state:<id>        the state of a session or of a handle; nothing without @tmcp-sessions/state
 *     tmcp:uri:<hash>:<id>   the session subscribed to the uri; lists the subscribers of a uri
 *     tmcp:own:<id>:<hash>   the same in reverse; lists the subscriptions of a session
 *     tmcp:of:<hash>:<id>    the principal with this hash owns the session; written with `administration`
 */

/** The longest URI encoded id that fits into each of the keys. */
export const MAX_ID_BYTES: number = MAX_KEY_BYTES - 'tmcp:uri::'.length - HASH_LENGTH;

/** Returns the key of a session's record. */
export function sessionKey(encodedId: string): string {
	return `tmcp:session:${encodedId}`;
}

/** Returns the key that marks a session as ended. */
export function endedKey(encodedId: string): string {
	return `tmcp:ended:${encodedId}`;
}

/** Returns the key of the state of a session or of a handle. */
export function stateKey(encodedId: string): string {
	return `tmcp:state:${encodedId}`;
}

/** Returns the prefix of the keys of a uri's subscribers; the encoded id follows. */
export function subscribersPrefix(uriHash: string): string {
	return `tmcp:uri:${uriHash}:`;
}

/** The prefix of the keys of records; the encoded id follows. */
export const SESSIONS_PREFIX: string = sessionKey('');

/** Returns the prefix of the keys of a principal's sessions; the encoded id follows. */
export function ownedPrefix(owner: string): string {
	return `tmcp:of:${owner}:`;
}

/** Returns the prefix of the keys of a session's subscriptions; the hash of the uri follows. */
export function subscriptionsPrefix(encodedId: string): string {
	return `tmcp:own:${encodedId}:`;
}
