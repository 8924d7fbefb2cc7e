/** Somebody who can sign in. */
export interface Account {
	/** Stays the same as long as the account lives. Holds no colon: the provider makes its keys with it. */
	readonly id: string;
	readonly name: string;
}

/**
 * The account that this name and password open; null where they open none. Stands for the sign-in
 * that you have: put yours in its place.
 *
 * @param accounts `name:password`, with spaces between them.
 */
export async function signIn(
	name: string,
	password: string,
	accounts: string,
): Promise<Account | null> {
	if (!/^[^:\s]+$/.test(name) || password === '') return null;
	const given = await digest(`${name}:${password}`);
	let opened = false;
	for (const account of accounts.split(/\s+/)) {
		// Digests are as long as one another and take as long to compare, whatever was guessed.
		if (crypto.subtle.timingSafeEqual(given, await digest(account))) opened = true;
	}
	return opened ? { id: name, name } : null;
}

function digest(text: string): Promise<ArrayBuffer> {
	return crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
}
