import { reasonOf, withTimeout } from '@tmcp-sessions/core/backend';
import { createSealing, parseSecrets } from '@tmcp-sessions/core/internal';
import type { Sealing } from '@tmcp-sessions/core/internal';
import { isObject } from '@tmcp-sessions/http/internal';

import type { Entries } from '../storage/entries.ts';
import { SessionAuthError } from '../errors.ts';

/** Tokens that a session holds for another service. */
export interface AuthTokens {
	readonly accessToken: string;
	readonly refreshToken?: string | undefined;
	/** When the access token expires, milliseconds since the epoch; never, where it is not said. */
	readonly expiresAtMs?: number | undefined;
	/** Anything else that has to be kept with them: JSON. */
	readonly extra?: unknown;
}

/** The tokens of a session, encrypted where they are kept. */
export interface SessionAuth {
	/**
	 * @param service whose they are, such as `github`.
	 * @throws {SessionAuthError} where there is no key to encrypt with, or for what are no tokens.
	 */
	set(service: string, tokens: AuthTokens): Promise<void>;
	/**
	 * Tokens that are good: expired ones are refreshed before, once, however many ask.
	 *
	 * @returns undefined where none were set.
	 * @throws {SessionAuthError} where they cannot be decrypted or refreshed.
	 */
	get(service: string): Promise<AuthTokens | undefined>;
	delete(service: string): void;
	/** The services that there are tokens for. */
	services(): string[];
}

/**
 * Makes new tokens of expired ones. A refresh token or `extra` that it leaves out stays as it was. What
 * it throws reaches every call that waits for them, and so does that it took longer than a minute.
 */
export type RefreshAuth = (service: string, expired: AuthTokens) => Promise<AuthTokens>;

/** What the tokens of a session depend on. */
export interface AuthOptions {
	/** Secrets of at least 32 characters; the first encrypts, all decrypt. */
	readonly keys: () => readonly string[];
	/** Of the object: nothing opens what was sealed for another one. */
	readonly boundTo: string;
	readonly refresh: RefreshAuth | undefined;
	readonly now: () => number;
}

/** Tokens that expire within this time are refreshed: a request takes a while. */
const LEEWAY_MS = 30_000;
/** What is between these is a time of this century in seconds, by mistake: in ms it is of early 1970. */
const FIRST_SECONDS = 1_000_000_000;
const LAST_SECONDS = 5_000_000_000;
/** Nothing else ends a request to another service that never answers, and all calls would wait for it. */
const REFRESH_MS = 60_000;
const TOO_LONG = `refreshAuth took longer than ${REFRESH_MS / 1000} s: give its requests a time limit`;
const MIN_KEY_LENGTH = 32;
const VARIABLE = 'TMCP_AUTH_KEYS';

/** The tokens of a session, in the object's entries: AES-256-GCM with a key derived of a secret. */
export class StoredAuth implements SessionAuth {
	readonly #entries: Entries;
	readonly #options: AuthOptions;
	#sealing: Sealing | undefined;
	/** What is being refreshed. All requests of an object may wait for one promise: they share its I/O. */
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
		// Another call may have begun, or finished, while this one decrypted.
		const begun = this.#refreshing.get(service);
		if (begun) return begun;
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
				`the tokens for "${service}" have expired and nothing refreshes them: implement ` +
					'refreshAuth(service, expired) in your SessionObject, or have the user authorize again',
			);
		}
		const made = async (): Promise<AuthTokens> => {
			const tokens = await refresh(service, expired);
			checkTokens(service, tokens);
			return this.#refreshed(service, { expired, tokens, sealed });
		};
		try {
			return await withTimeout(REFRESH_MS, made(), () => new SessionAuthError(TOO_LONG));
		} catch (cause) {
			throw new SessionAuthError(
				`the tokens for "${service}" have expired and could not be refreshed (${reasonOf(cause)}); ` +
					'try again later, or have the user authorize again',
				{ cause },
			);
		}
	}

	async #refreshed(
		service: string,
		{ expired, tokens, sealed }: { expired: AuthTokens; tokens: AuthTokens; sealed: string },
	): Promise<AuthTokens> {
		// A refresh token that is not replaced is good for the next time (RFC 6749, section 6).
		const { refreshToken = expired.refreshToken, extra = expired.extra } = tokens;
		const whole = { ...tokens, refreshToken, extra };
		const fresh = await this.#seal(service, whole);
		// Whoever set or deleted them meanwhile knows better.
		if (this.#entries.read('auth', service) === sealed) this.#entries.write('auth', service, fresh);
		return whole;
	}

	#seal(service: string, tokens: AuthTokens): Promise<string> {
		return this.#seals().seal(JSON.stringify(tokens), this.#boundTo(service));
	}

	async #open(service: string, sealed: string): Promise<AuthTokens> {
		const opened = await this.#seals().open(sealed, this.#boundTo(service));
		// Sound: what opens was sealed by `set`.
		if (opened) return JSON.parse(opened.text) as AuthTokens;
		throw new SessionAuthError(
			`the tokens for "${service}" cannot be decrypted with any key of ${VARIABLE}: the key was ` +
				'changed, or the storage was. Put the old key behind the new one until all tokens have been ' +
				`set again, or let go of them with auth.delete("${service}") and have the user authorize again`,
		);
	}

	#seals(): Sealing {
		if (this.#sealing) return this.#sealing;
		const keys = this.#options.keys();
		if (keys.length === 0 || keys.some((key) => key.length < MIN_KEY_LENGTH)) {
			throw new SessionAuthError(
				`tokens are encrypted with keys of at least ${MIN_KEY_LENGTH} characters from the variable ` +
					`${VARIABLE} or settings.authKeys; found ${keys.length === 0 ? 'none' : 'a shorter one'}. ` +
					`Make one with: openssl rand -base64 32 | npx wrangler secret put ${VARIABLE}`,
			);
		}
		return (this.#sealing = createSealing(keys, 'tmcp-sessions session auth'));
	}

	#boundTo(service: string): string {
		return JSON.stringify([this.#options.boundTo, service]);
	}
}

/** What comes from another service is as its author wrote it down, and types say nothing of it. */
function checkTokens(service: string, tokens: unknown): void {
	const { accessToken, expiresAtMs } = isObject(tokens) ? tokens : {};
	const hasToken = typeof accessToken === 'string' && accessToken !== '';
	if (hasToken && (expiresAtMs === undefined || isTime(expiresAtMs))) return;
	throw new SessionAuthError(
		`the tokens for "${service}" must have an accessToken and, where it is given, an expiresAtMs in ` +
			'milliseconds since the epoch; found ' +
			(hasToken
				? `an expiresAtMs of ${String(expiresAtMs)}`
				: `an accessToken of ${typeof accessToken}`),
	);
}

function isTime(value: unknown): boolean {
	if (typeof value !== 'number' || !Number.isFinite(value)) return false;
	return value < FIRST_SECONDS || value > LAST_SECONDS;
}

/** The keys of a deployment: those that are given, or else those of its environment. */
export function authKeys(given: readonly string[] | undefined, env: unknown): string[] {
	const value: unknown =
		typeof env === 'object' && env !== null ? Reflect.get(env, VARIABLE) : undefined;
	return parseSecrets(given ?? (typeof value === 'string' ? [value] : []));
}
