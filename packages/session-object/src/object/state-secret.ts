import type { Entries } from '../storage/entries.ts';

const KEY = 'state-secret';

/**
 * Returns the secret that seals the request states of stateless calls. It belongs to the object, which
 * runs all rounds of a call. A state that arrives before one was sealed creates no storage: it is
 * forged, and the secret that is returned opens nothing.
 */
export function stateSecret(entries: Entries, to: 'open' | 'seal'): string {
	const stored = entries.read('meta', KEY);
	if (stored !== undefined) return stored;
	const secret = `${crypto.randomUUID()}${crypto.randomUUID()}`;
	if (to === 'seal') entries.write('meta', KEY, secret);
	return secret;
}
