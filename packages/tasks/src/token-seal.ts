import { checkSecrets, createSealing, parseSecrets } from '@tmcp-sessions/core/internal';

import { PACKAGE } from './package-name.ts';
import { taskError } from './task-error.ts';

/** Encrypts tokens that a task stores. */
export interface TokenSeal {
	/**
	 * Encrypts a token, for what `saveContext` returns.
	 *
	 * @param expiresAtMs when the token expires, in milliseconds since the epoch.
	 * @throws {TmcpSessionsError} `task` if the expiry is not such a time.
	 */
	seal(token: string, expiresAtMs: number): Promise<string>;
	/** Returns a token that was sealed with one of the keys; `undefined` if it has expired or is invalid. */
	open(sealed: unknown): Promise<string | undefined>;
}

/** Options of `createTokenSeal`. */
export interface TokenSealOptions {
	/** Secrets of at least 32 characters: the first one encrypts, all of them decrypt. */
	readonly keys: readonly (string | undefined)[];
	/** Returns the time in milliseconds since the epoch. Default: the clock. */
	readonly now?: (() => number) | undefined;
}

/** A time before this is in seconds by mistake: as milliseconds it is in early 1970. */
const FIRST_MS = 5_000_000_000;

/**
 * Creates a seal for tokens (AES-256-GCM). What it stores has the expiry of the token, after which it
 * does not open.
 *
 * @throws {TmcpSessionsError} `configuration` if there is no key, or one is weak.
 */
export function createTokenSeal({ keys, now = Date.now }: TokenSealOptions): TokenSeal {
	const secrets = parseSecrets(keys);
	checkSecrets(secrets, PACKAGE, 'createTokenSeal needs keys');
	const sealing = createSealing(secrets, 'tmcp-sessions task token');
	return {
		async seal(token, expiresAtMs) {
			if (!Number.isFinite(expiresAtMs) || expiresAtMs < FIRST_MS) {
				throw taskError(
					`expiresAtMs must be in milliseconds since the epoch; got ${expiresAtMs}. A token without ` +
						'expiry must not be stored',
				);
			}
			return sealing.seal(JSON.stringify([expiresAtMs, token]), '');
		},
		async open(sealed) {
			const opened = typeof sealed === 'string' ? await sealing.open(sealed, '') : undefined;
			if (!opened) return undefined;
			// Safe because `seal` has written it.
			const [expiresAtMs, token] = JSON.parse(opened.text) as [number, string];
			return expiresAtMs > now() ? token : undefined;
		},
	};
}
