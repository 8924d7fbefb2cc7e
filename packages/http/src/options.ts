import type { ErrorReporter, Region } from '@tmcp-sessions/core';
import type {
	InfoSessionManager,
	StreamSessionManager,
	SubscriptionManager,
} from '@tmcp/session-manager';
import type { HttpTransport, HttpTransportOptions } from '@tmcp/transport-http';
import type { AuthInfo } from 'tmcp';

/** Any tmcp server, whatever its schemas. */
export type ServerOf<Custom extends Record<string, unknown> | undefined> = ConstructorParameters<
	typeof HttpTransport<Custom>
>[0];

/** What a deployment chooses: its managers, whose sessions they are, and who may call. */
export interface McpHandlerOptions<Custom = undefined> {
	/** The sessions' GET streams. Default: in memory, of this process alone. */
	readonly streams?: StreamSessionManager | undefined;
	/**
	 * What is known of a session. Without it there are none: clients of 2025 are served as far as that
	 * goes, no id is given out, GET and DELETE are a 405, and nothing is stored.
	 */
	readonly info?: InfoSessionManager | undefined;
	/** The listeners of the stateless era. Default: in memory, of this process alone. */
	readonly subscriptions?: SubscriptionManager | undefined;
	/**
	 * Secrets of at least 32 characters that session ids are made with. The first signs, all are
	 * accepted: to rotate, add the new one behind, put it in front when that is deployed everywhere,
	 * and drop the old one after the absolute lifetime of a session. Default: `TMCP_SESSION_KEYS` of
	 * the environment, between spaces or commas; a server that is called on this machine alone, as in
	 * development, makes one for as long as it runs.
	 */
	readonly sessionKeys?: readonly (string | undefined)[] | undefined;
	/**
	 * Where sessions and listeners stand that Durable Objects keep. Default: one shard in each region
	 * that clients come from, as `request.cf` tells it; where there is none, one.
	 */
	readonly placement?: PlacementOptions | undefined;
	/** The endpoint's path; null answers on every path. Default: `/mcp`. */
	readonly path?: string | null | undefined;
	/** Who is calling, for instance `@tmcp/auth`. Needs `principal`. */
	readonly oauth?: OAuthHelper | undefined;
	/**
	 * Whom a request was authorized for. A session is theirs alone: to everybody else it is a 404.
	 * Take it from what the token says and never from the token itself, which is refreshed. `null`
	 * is a 401. Default: sessions are nobody's, and whoever knows an id may use it.
	 */
	readonly principal?: PrincipalOf | undefined;
	/**
	 * The origins whose pages may call besides the server's own; `true` is every one. Default: none
	 * but pages of this machine where the server runs on it too.
	 */
	readonly allowedOrigins?: string | readonly string[] | true | undefined;
	/**
	 * The hosts that the server may be called by, with or without a port; `true` is every one.
	 * Default: this machine, and every host over https, where the certificate vouches for it.
	 */
	readonly allowedHosts?: readonly string[] | true | undefined;
	/** CORS headers, as the transport takes them. `true` exposes what a browser's client needs. */
	readonly cors?: HttpTransportOptions['cors'] | undefined;
	/** What tools find as `server.ctx.custom`, for a server with `withContext`. */
	readonly context?: ((request: Request) => Custom | Promise<Custom>) | undefined;
	/** The longest time without a byte on an open stream, at most 25. Default: 15. */
	readonly keepAliveSeconds?: number | undefined;
	/** How long an elicitation or a sampling waits for its answer. Default: 300. */
	readonly clientResponseTimeoutSeconds?: number | undefined;
	/** The longest body of a request, in bytes. Default: 4 MiB. */
	readonly maxBodyBytes?: number | undefined;
	/**
	 * Told of every failure that no client is told of in full, with a hash of the session's id where
	 * there is a session. Default: the console.
	 */
	readonly onError?: ErrorReporter | undefined;
}

/** How sessions are spread over objects. A session stays where it was opened, whatever this says later. */
export interface PlacementOptions {
	/** How many shards each region has, from 1 to 256. Default: 1. */
	readonly shards?: number | undefined;
	/**
	 * Where a client is that opens a session or listens; `undefined` leaves it to the object of the
	 * whole deployment. Default: by `request.cf`.
	 */
	readonly region?: ((request: Request) => Region | undefined) | undefined;
}

/** Says whom a request was authorized for; null where nobody. */
export type PrincipalOf = (
	request: Request,
	auth: AuthInfo | null,
	context: ExecutionContextLike | undefined,
) => Principal | string | null | undefined | Promise<Principal | string | null | undefined>;

/** Whose a session is: what stays the same when a token is refreshed. */
export interface Principal {
	/** The user, such as the token's `sub`. */
	readonly subject: string;
	/** The client that acts for them, such as the token's `client_id`. */
	readonly client?: string | undefined;
}

/** What is asked of `@tmcp/auth`, or of a function of one's own. */
export interface OAuthHelper {
	/** Answers the requests of the OAuth flow itself; null lets a request pass. */
	respond?(request: Request): Promise<Response | null>;
	/**
	 * Who is calling; null where nobody is known. It may throw an error whose `errorCode` is one of
	 * RFC 6750: `invalid_token` is a 401, `insufficient_scope` a 403.
	 *
	 * @param context as it was given to `fetch`: `@cloudflare/workers-oauth-provider` puts what it
	 * knows of the caller into its `props` and its `auth`.
	 */
	verify(request: Request, context?: ExecutionContextLike): Promise<AuthInfo | null>;
	/**
	 * The `WWW-Authenticate` of a 401, such as `Bearer resource_metadata="https://…"`, which tells
	 * clients where to get a token (2025-06-18, basic/authorization). Default: `Bearer`.
	 */
	challenge?(request: Request): string;
}

/** What a platform hands a `fetch` handler: Workers' `ctx`, or its like. */
export interface ExecutionContextLike {
	/** Keeps the request alive until the promise has settled. */
	waitUntil(work: Promise<unknown>): void;
	/** What whoever called the handler says of the request. */
	readonly props?: unknown;
	/** The same of its token. */
	readonly auth?: unknown;
}

/** An object to export as a Worker's default. */
export interface McpHandler {
	/**
	 * Answers one request: 404 outside its path, 503 with `Retry-After` where a backend is down.
	 *
	 * @param env where `sessionKeys` is not set, its `TMCP_SESSION_KEYS` is used.
	 * @param context the platform's, for its `waitUntil`; a process that lives on needs none.
	 */
	fetch(request: Request, env?: unknown, context?: ExecutionContextLike): Promise<Response>;
}
