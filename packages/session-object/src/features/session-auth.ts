import { reasonOf, withTimeout } from '@tmcp-sessions/core/backend';
import { createSealing, parseSecrets, weaknessOf } from '@tmcp-sessions/core/internal';
import type { Sealing } from '@tmcp-sessions/core/internal';
import { isObject } from '@tmcp-sessions/http/internal';

import type { Entries } from '../storage/entries.ts';
import { SessionAuthError } from '../errors.ts';

/** Tokens that a session holds for another service. */
export interface AuthTokens {
	readonly accessToken: string;
	readonly refreshToken?: string | undefined;
	/** When the access token expires, in milliseconds since the epoch. Default: never. */
	readonly expiresAtMs?: number | undefined;
	/** Additional JSON data to store with the tokens. */
	readonly extra?: unknown;
}

/** The tokens of a session, encrypted in its storage. */
export interface SessionAuth {
	/**
	 * Encrypts and stores the tokens for a service.
	 *
	 * @param service a name of your choice, such as `github`.
	 * @throws {SessionAuthError} if there is no encryption key or the tokens are invalid.
	 */
	set(service: string, tokens: AuthTokens): Promise<void>;
	/**
	 * Returns valid tokens. Refreshes expired ones first, once for all concurrent callers.
	 *
	 * @returns undefined if none are set.
	 * @throws {SessionAuthError} if the tokens cannot be decrypted or refreshed.
	 */
	get(service: string): Promise<AuthTokens | undefined>;
	delete(service: string): void;
	/** Returns the services for which tokens are set. */
	services(): string[];
}

/**
 * Exchanges expired tokens for new ones. A `refreshToken` or `extra` that it omits keeps its value.
 * An error that it throws reaches every call that waits for the tokens, and so does its timeout after
 * one minute.
 */
export type RefreshAuth = (service: string, expired: AuthTokens) => Promise<AuthTokens>;

export interface AuthOptions {
	/** Secrets of at least 32 characters: the first one encrypts, all of them decrypt. */
	readonly keys: () => readonly string[];
	/** The object's id. Tokens that were sealed for another object cannot be decrypted. */
	readonly objectId: string;
	readonly refresh: RefreshAuth | undefined;
	readonly now: () => number;
}

/** Tokens are refreshed this long before they expire, so that they last for a request. */
const LEEWAY_MS = 30_000;
/** A time between these two is in seconds by mistake: as milliseconds it is in early 1970. */
const FIRST_SECONDS = 1_000_000_000;
const LAST_SECONDS = 5_000_000_000;
/** The platform does not time a subrequest out, and every call that needs the tokens waits for it. */
const REFRESH_TIMEOUT_MS = 60_000;
const TIMED_OUT = `refreshAuth took longer than ${REFRESH_TIMEOUT_MS / 1000} s: set a timeout for its requests`;
const VARIABLE = 'TMCP_AUTH_KEYS';

/** Stores tokens in the object's entries, encrypted by AES-256-GCM with a key derived from a secret. */
export class StoredAuth implements SessionAuth {
	readonly #entries: Entries;
	readonly #options: AuthOptions;
	#sealing: Sealing | undefined;
	/** All requests of an object may await the same promise: they share one I/O context. */
	readonly #refreshing = new Map<string, Promise<AuthTokens>>();

	constructor(entries: Entries, options: AuthOptions) {
		this.#entries = entries;
		this.#options = options;
	}

	async set(service: string, tokens: AuthTokens): Promise<void> {
		checkTokens(service, tokens);
		this.#entries.write('auth', service, await this.#seal(service, tokens));
	}

	async get(service: string): Promise<AuthTokens | undefined> {
		const refreshing = this.#refreshing.get(service);
		if (refreshing) return refreshing;
		const sealed = this.#entries.read('auth', service);
		if (sealed === undefined) return undefined;
		const tokens = await this.#open(service, sealed);
		const { expiresAtMs = Infinity } = tokens;
		if (expiresAtMs - LEEWAY_MS > this.#options.now()) return tokens;
		// Another call may have started or finished a refresh during the decryption.
		const started = this.#refreshing.get(service);
		if (started) return started;
		if (this.#entries.read('auth', service) !== sealed) return this.get(service);
		const refresh = this.#refresh(service, tokens, sealed);
		this.#refreshing.set(service, refresh);
		try {
			return await refresh;
		} finally {
			this.#refreshing.delete(service);
		}
	}

	delete(service: string): void {
		this.#entries.remove('auth', service);
	}

	services(): string[] {
		return this.#entries.list('auth').map(({ key }) => key);
	}

	async #refresh(service: string, expired: AuthTokens, sealed: string): Promise<AuthTokens> {
		const { refresh } = this.#options;
		if (!refresh) {
			throw new SessionAuthError(
				`the tokens for "${service}" have expired and cannot be refreshed: implement ` +
					'refreshAuth(service, expired) in your SessionObject, or ask the user to authorize again',
			);
		}
		const refreshAndStore = async (): Promise<AuthTokens> => {
			const tokens = await refresh(service, expired);
			checkTokens(service, tokens);
			return this.#storeRefreshed(service, { expired, tokens, sealed });
		};
		try {
			return await withTimeout(
				REFRESH_TIMEOUT_MS,
				refreshAndStore(),
				() => new SessionAuthError(TIMED_OUT),
			);
		} catch (cause) {
			throw new SessionAuthError(
				`the tokens for "${service}" have expired and could not be refreshed (${reasonOf(cause)}); ` +
					'try again later, or ask the user to authorize again',
				{ cause },
			);
		}
	}

	async #storeRefreshed(
		service: string,
		{ expired, tokens, sealed }: { expired: AuthTokens; tokens: AuthTokens; sealed: string },
	): Promise<AuthTokens> {
		// Without a new refresh token the old one stays valid: RFC 6749, section 6.
		const { refreshToken = expired.refreshToken, extra = expired.extra } = tokens;
		const merged = { ...tokens, refreshToken, extra };
		const resealed = await this.#seal(service, merged);
		// Keeps tokens that were set or deleted during the refresh.
		if (this.#entries.read('auth', service) === sealed) {
			this.#entries.write('auth', service, resealed);
		}
		return merged;
	}

	#seal(service: string, tokens: AuthTokens): Promise<string> {
		return this.#getSealing().seal(JSON.stringify(tokens), this.#boundTo(service));
	}

	async #open(service: string, sealed: string): Promise<AuthTokens> {
		const opened = await this.#getSealing().open(sealed, this.#boundTo(service));
		// Safe because text that opens was sealed by `#seal`.
		if (opened) return JSON.parse(opened.text) as AuthTokens;
		throw new SessionAuthError(
			`the tokens for "${service}" cannot be decrypted with any key of ${VARIABLE}: the key or the ` +
				'storage has changed. Append the old key to the new one until all tokens have been set again, ' +
				`or call auth.delete("${service}") and ask the user to authorize again`,
		);
	}

	#getSealing(): Sealing {
		if (this.#sealing) return this.#sealing;
		const keys = this.#options.keys();
		const weakness = weaknessOf(keys);
		if (weakness) {
			throw new SessionAuthError(
				`storing tokens requires keys of ${weakness.required} in the variable ${VARIABLE} or in ` +
					`settings.authKeys; found ${weakness.found}. ` +
					`Create one with: openssl rand -base64 32 | npx wrangler secret put ${VARIABLE}`,
			);
		}
		return (this.#sealing = createSealing(keys, 'tmcp-sessions session auth'));
	}

	#boundTo(service: string): string {
		return JSON.stringify([this.#options.objectId, service]);
	}
}

/** Checks at runtime too: responses of other services are usually cast to `AuthTokens`. */
function checkTokens(service: string, tokens: unknown): void {
	const { accessToken, expiresAtMs } = isObject(tokens) ? tokens : {};
	const hasToken = typeof accessToken === 'string' && accessToken !== '';
	if (hasToken && (expiresAtMs === undefined || isTime(expiresAtMs))) return;
	throw new SessionAuthError(
		`the tokens for "${service}" must have a non-empty accessToken, and expiresAtMs, if set, must be in ` +
			'milliseconds since the epoch; got ' +
			(hasToken
				? `an expiresAtMs of ${String(expiresAtMs)}`
				: `an accessToken of ${typeof accessToken}`),
	);
}

function isTime(value: unknown): boolean {
	if (typeof value !== 'number' || !Number.isFinite(value)) return false;
	return value < FIRST_SECONDS || value > LAST_SECONDS;
}

/** Returns the keys from the settings, or from the environment if the settings have none. */
export function authKeys(configured: readonly string[] | undefined, env: unknown): string[] {
	const value: unknown =
		typeof env === 'object' && env !== null ? Reflect.get(env, VARIABLE) : undefined;
	return parseSecrets(configured ?? (typeof value === 'string' ? [value] : []));
}
