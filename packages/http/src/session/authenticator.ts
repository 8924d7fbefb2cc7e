import type { Principal } from '@tmcp-sessions/core';
import type { AuthInfo } from 'tmcp';

import { configurationError } from '../configuration-error.ts';
import type { ExecutionContextLike, OAuthHelper, PrincipalOf } from '../options.ts';
import { HttpRejection } from '../request/http-rejection.ts';

/** The caller of a request. */
export interface Caller {
	/** What the OAuth helper returned, for tools. */
	readonly auth: AuthInfo | null;
	/** The same text for every request of the caller. Empty if sessions belong to no principal. */
	readonly principal: string;
}

/** The code of RFC 6750 for a token that does not allow the request. */
const FORBIDDEN = 'insufficient_scope';

/** The caller of a deployment without authorization. */
export const ANONYMOUS: Caller = { auth: null, principal: '' };

/** Authenticates every request: a session id authenticates no caller. */
export class Authenticator {
	readonly #oauth: OAuthHelper | undefined;
	readonly #principal: PrincipalOf | undefined;

	/** @throws {TmcpSessionsError} `configuration` for an `oauth` without a `principal`. */
	constructor(oauth: OAuthHelper | undefined, principal: PrincipalOf | undefined) {
		if (oauth && !principal) {
			throw configurationError(
				'oauth needs principal, which binds a session to its user: set it to ' +
					'(request, auth) => auth && { subject: <the user>, client: auth.clientId }',
			);
		}
		this.#oauth = oauth;
		this.#principal = principal;
	}

	/** Whether requests are authorized for a principal. Otherwise sessions belong to none. */
	get isConfigured(): boolean {
		return this.#principal !== undefined;
	}

	/** @throws {HttpRejection} 401 without a valid token; 403 if its scope is insufficient. */
	async identify(request: Request, context: ExecutionContextLike | undefined): Promise<Caller> {
		if (!this.#principal) return ANONYMOUS;
		const auth = await this.#verify(request, context);
		if (auth?.expiresAt !== undefined && auth.expiresAt * 1000 <= Date.now()) {
			throw this.#unauthorized(request, 'invalid_token');
		}
		const principal = await this.#principal(request, auth, context);
		if (principal === null || principal === undefined || principal === '') {
			throw this.#unauthorized(request);
		}
		return { auth, principal: textOf(principal) };
	}

	/** `@tmcp/auth` throws errors with the codes of RFC 6750. */
	async #verify(
		request: Request,
		context: ExecutionContextLike | undefined,
	): Promise<AuthInfo | null> {
		try {
			return (await this.#oauth?.verify(request, context)) ?? null;
		} catch (error) {
			const code: unknown = error instanceof Error && Reflect.get(error, 'errorCode');
			if (code === 'invalid_token' || code === FORBIDDEN) throw this.#unauthorized(request, code);
			throw error;
		}
	}

	#unauthorized(request: Request, code?: string): HttpRejection {
		const challenge = this.#oauth?.challenge?.(request) ?? 'Bearer';
		const separator = challenge.includes(' ') ? ', ' : ' ';
		const isForbidden = code === FORBIDDEN;
		const message = isForbidden
			? 'Insufficient scope: send an access token with the required scope'
			: 'Authentication required: send a valid access token';
		const header = code ? `${challenge}${separator}error="${code}"` : challenge;
		return new HttpRejection(isForbidden ? 403 : 401, -32001, message, {
			headers: { 'WWW-Authenticate': header },
		});
	}
}

/** Returns the principal that a text of `Caller.principal` stands for; null if there is none. */
export function principalOf(text: string): Principal | null {
	if (text === '') return null;
	// Safe because `textOf` wrote it.
	const [subject, client] = JSON.parse(text) as [string, string | null];
	return client === null ? { subject } : { subject, client };
}

/** Serializes a principal. JSON keeps a subject from being crafted to equal another pair. */
function textOf(principal: NonNullable<Awaited<ReturnType<PrincipalOf>>>): string {
	const { subject, client }: Principal =
		typeof principal === 'string' ? { subject: principal } : principal;
	if (typeof subject !== 'string' || subject === '') {
		const found = subject === '' ? 'an empty one' : typeof subject;
		throw configurationError(`the subject of a principal must be a non-empty string; got ${found}`);
	}
	return JSON.stringify([subject, client ?? null]);
}
