const KEY_BYTES = 32;

/** Creates a session key: 32 random bytes in base64, as `openssl rand -base64 32` prints them. */
export function createKey(): string {
	return Buffer.from(crypto.getRandomValues(new Uint8Array(KEY_BYTES))).toString('base64');
}
