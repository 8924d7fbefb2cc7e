/** An account that can sign in. */
export interface Account {
	/** Permanent. Must not contain a colon, which separates the parts of the provider's storage keys. */
	readonly id: string;
	readonly name: string;
}

/**
 * Returns the account of a name and password, or null if they do not match. Replace this with your own
 * sign-in.
 *
 * @param accounts a space-separated list of `name:password`.
 */
export async function signIn(
	name: string,
	password: string,
	accounts: string,
): Promise<Account | null> {
	if (!/^[^:\s]+$/.test(name) || password === '') return null;
	const given = await digest(`${name}:${password}`);
	let matches = false;
	for (const account of accounts.split(/\s+/)) {
		// Digests have equal lengths, so that the comparison takes the same time for every guess.
		if (crypto.subtle.timingSafeEqual(given, await digest(account))) matches = true;
	}
	return matches ? { id: name, name } : null;
}

function digest(text: string): Promise<ArrayBuffer> {
	return crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
}
