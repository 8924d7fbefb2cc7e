import { TmcpSessionsError } from '@tmcp-sessions/core';
import type { AuthInfo } from 'tmcp';

import type { ExecutionContextLike, OAuthHelper, PrincipalOf } from '../options.ts';
import { HttpRejection } from '../request/http-rejection.ts';

/** Who sends a request. */
export interface Caller {
	/** What the OAuth helper knows of them, for tools. */
	readonly auth: AuthInfo | null;
	/** The same text for each of their requests; empty where sessions are nobody's. */
	readonly principal: string;
}

const NOBODY: Caller = { auth: null, principal: '' };

/** Finds out who sends a request: every one by itself, since an id authenticates nobody. */
export class Authenticator {
	readonly #oauth: OAuthHelper | undefined;
	readonly #principal: PrincipalOf | undefined;

	/** @throws {TmcpSessionsError} `configuration`, for an `oauth` without a `principal`. */
	constructor(oauth: OAuthHelper | undefined, principal: PrincipalOf | undefined) {
		if (oauth && !principal) {
			throw new TmcpSessionsError(
				'configuration',
				'http',
				'oauth needs principal, so that nobody can use the session of somebody else: expected ' +
					'(request, auth) => auth && { subject: <the user>, client: auth.clientId }; found none',
			);
		}
		this.#oauth = oauth;
		this.#principal = principal;
	}

	/** Whether requests are authorized for anybody; otherwise sessions are nobody's. */
	get areKnown(): boolean {
		return this.#principal !== undefined;
	}

	/** @throws {HttpRejection} 401, where the request was authorized for nobody; 403 for too little scope. */
	async identify(request: Request, context: ExecutionContextLike | undefined): Promise<Caller> {
		if (!this.#principal) return NOBODY;
		const auth = await this.#verify(request, context);
		if (auth?.expiresAt !== undefined && auth.expiresAt * 1000 <= Date.now()) {
			throw this.#unauthorized(request, 401, 'invalid_token');
		}
		const principal = await this.#principal(request, auth, context);
		if (principal === null || principal === undefined || principal === '') {
			throw this.#unauthorized(request, 401);
		}
		return { auth, principal: textOf(principal) };
	}

	/** `@tmcp/auth` throws what RFC 6750 names, each with its code. */
	async #verify(
		request: Request,
		context: ExecutionContextLike | undefined,
	): Promise<AuthInfo | null> {
		try {
			return (await this.#oauth?.verify(request, context)) ?? null;
		} catch (error) {
			const code: unknown = error instanceof Error && Reflect.get(error, 'errorCode');
			if (code === 'invalid_token') throw this.#unauthorized(request, 401, code);
			if (code === 'insufficient_scope') throw this.#unauthorized(request, 403, code);
			throw error;
		}
	}

	#unauthorized(request: Request, status: 401 | 403, code?: string): HttpRejection {
		const challenge = this.#oauth?.challenge?.(request) ?? 'Bearer';
		const separator = challenge.includes(' ') ? ', ' : ' ';
		return new HttpRejection({
			status,
			code: -32001,
			message:
				status === 401
					? 'The request is authorized for nobody; send a valid token'
					: 'The token does not allow this; send one with more scope',
			headers: {
				'WWW-Authenticate': code ? `${challenge}${separator}error="${code}"` : challenge,
			},
		});
	}
}

/** One text for each principal: no subject can be written so that it passes for another pair. */
function textOf(principal: NonNullable<Awaited<ReturnType<PrincipalOf>>>): string {
	const { subject, client } =
		typeof principal === 'string' ? { subject: principal, client: undefined } : principal;
	if (typeof subject !== 'string' || subject === '') {
		throw new TmcpSessionsError(
			'configuration',
			'http',
			`a principal needs a subject that is a text; found ${typeof subject === 'string' ? 'an empty one' : typeof subject}`,
		);
	}
	return JSON.stringify([subject, client ?? null]);
}
