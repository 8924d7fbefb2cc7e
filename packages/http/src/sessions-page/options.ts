import type { ErrorReporter } from '@tmcp-sessions/core';

/** Whether a request may see the page: `false` is a 401, and `forbidden` a 403. */
export type Authorization = boolean | 'forbidden';

/** What a task store needs to be listed. */
export interface TaskListing {
	list(
		principal: string,
		session?: string,
	): Promise<readonly { readonly name: string; readonly hasEnded: boolean }[]>;
	read(name: string): Promise<{ readonly createdAtMs: number } | undefined>;
}

/** The managers of a handler, and the store of its tasks. */
export interface SessionsPageManagers {
	readonly info: object;
	readonly streams?: object | undefined;
	/** Such as `new DurableObjectTaskStore()`. */
	readonly tasks?: TaskListing | undefined;
}

/** Options of `createSessionsPage`. */
export interface SessionsPageOptions {
	/**
	 * Decides who sees the page: `true` shows it, `false` asks for credentials, `forbidden` refuses. Every
	 * other value counts as `false`. `requirePassword(secret)` is one.
	 */
	readonly authorize: (
		request: Request,
		env: unknown,
		context: unknown,
	) => Authorization | Promise<Authorization>;
	/** Secrets that seal the links to the next page: those of `TMCP_SESSION_KEYS`. */
	readonly keys: readonly (string | undefined)[];
	/** The sessions of one page, from 1 to 100. Default: 20. */
	readonly pageSize?: number | undefined;
	/** Receives failures whose details the page does not show. Default: the console. */
	readonly onError?: ErrorReporter | undefined;
}

/** A page of live sessions. */
export interface SessionsPage {
	/** Answers a request, whatever its path: pass it those of one path. */
	fetch(request: Request, env?: unknown, context?: unknown): Promise<Response>;
}
