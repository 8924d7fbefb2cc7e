import type { ErrorReporter, Principal, Region } from '@tmcp-sessions/core';
import type {
	InfoSessionManager,
	StreamSessionManager,
	SubscriptionManager,
} from '@tmcp/session-manager';
import type { HttpTransport } from '@tmcp/transport-http';
import type { AuthInfo } from 'tmcp';

import type { HandlerTelemetry } from './telemetry/options.ts';

/** A tmcp server with any schemas. */
export type ServerOf<Custom extends Record<string, unknown> | undefined> = ConstructorParameters<
	typeof HttpTransport<Custom>
>[0];

/** The eras of the protocol that a server serves. */
export type Eras = 'both' | 'session-based' | 'stateless';

/** Options of `createMcpHandler`. */
export interface McpHandlerOptions<Custom = undefined> {
	/** Delivers messages to the GET streams of sessions. Default: in memory, for this process only. */
	readonly streams?: StreamSessionManager | undefined;
	/**
	 * Stores session metadata. Default: no sessions. Session-based clients then get no session id, GET
	 * and DELETE are rejected with 405, and nothing is stored.
	 */
	readonly info?: InfoSessionManager | undefined;
	/** Holds the subscriptions of stateless clients. Default: in memory, for this process only. */
	readonly subscriptions?: SubscriptionManager | undefined;
	/**
	 * Secrets of at least 32 characters that sign session ids and seal request states. The first signs, all verify: to rotate,
	 * append the new one, move it to the front when that is deployed everywhere, and remove the old one
	 * after the absolute lifetime of a session. Default: the variable `TMCP_SESSION_KEYS`, separated by
	 * spaces or commas. A server that is only called on its own machine, as in development, generates
	 * one for its process.
	 */
	readonly sessionKeys?: readonly string[] | undefined;
	/**
	 * Places the sessions and subscriptions that Durable Objects keep. Default: one shard in each region
	 * that clients come from by `request.cf`; without `request.cf`, one shard.
	 */
	readonly placement?: PlacementOptions | undefined;
	/** The endpoint's path. Null serves every path. Default: `/mcp`. */
	readonly path?: string | null | undefined;
	/** Authenticates callers, for instance with `@tmcp/auth`. Requires `principal`. */
	readonly oauth?: OAuthHelper | undefined;
	/**
	 * Returns whom a request was authorized for. A session belongs to its principal: requests of others
	 * are rejected with 404. Derive it from the token's claims and not from the token itself, which is
	 * refreshed. `null` rejects the request with 401. Default: sessions belong to no principal, and
	 * every client that knows a session id may use it.
	 */
	readonly principal?: PrincipalOf | undefined;
	/**
	 * Returns whether a client may subscribe to a resource. Called for each uri of `resources/subscribe`,
	 * which is rejected then, and of `subscriptions/listen`, whose acknowledgement leaves it out. Default:
	 * every client may subscribe to every resource that the server has.
	 */
	readonly authorizeSubscription?: AuthorizeSubscription | undefined;
	/**
	 * How often `oauth` and `principal` are asked again about the caller of an open stream, in seconds. The
	 * stream ends if the caller is not authorized any more, or is another one. 0 asks once, when the
	 * stream opens. Default: 300.
	 */
	readonly recheckSeconds?: number | undefined;
	/**
	 * Identifies the client of a request without a principal: its open streams and subscriptions, and
	 * what is kept for it to resume, are bounded together. Override it if many users share an address,
	 * as those of a hosted connector do. `undefined` leaves the bounds of a session alone. Default:
	 * `CF-Connecting-IP` on Cloudflare, a /64 for IPv6; no other platform vouches for a header.
	 */
	readonly clientOf?: ((request: Request) => string | undefined) | undefined;
	/**
	 * The origins whose pages may use the server besides its own: they pass the origin check, and CORS
	 * headers let them read responses and the session id. `true` allows every page. Default: none,
	 * except pages of this machine if the server runs on it too.
	 */
	readonly cors?: true | string | readonly string[] | undefined;
	/**
	 * The hosts that the server answers for, with or without a port. `true` allows every host. Default:
	 * this machine, and every host over https, which the certificate vouches for.
	 */
	readonly allowedHosts?: readonly string[] | true | undefined;
	/**
	 * The eras of the protocol that the server serves. With `both`, the header `MCP-Protocol-Version` and
	 * the message must agree. If only one era is served, the header decides for `session-based`, and the
	 * message for `stateless`, whatever the other says. Default: `both`.
	 */
	readonly eras?: Eras | undefined;
	/**
	 * Runs long tool calls as tasks, which clients poll: `InMemoryTasks` of `@tmcp-sessions/tasks`, or
	 * `DurableObjectTasks` of `@tmcp-sessions/tasks-durable-object`. Default: no tasks.
	 */
	readonly tasks?: HandlerExtension | undefined;
	/** Observes messages: `openTelemetry()` of `@tmcp-sessions/otel`. Default: only diagnostics channels. */
	readonly telemetry?: HandlerTelemetry | undefined;
	/** Returns the `server.ctx.custom` of tools, for a server with `withContext`. */
	readonly context?: ((request: Request) => Custom | Promise<Custom>) | undefined;
	/** The longest time without a byte on an open stream, at most 25. Default: 15. */
	readonly keepAliveSeconds?: number | undefined;
	/** How long an elicitation or a sampling waits for the client response. Default: 300. */
	readonly clientResponseTimeoutSeconds?: number | undefined;
	/**
	 * The largest body of a request, in bytes. A session-based request that names no session, which can
	 * only be `initialize`, may have 64 KiB. Default: 1 MiB.
	 */
	readonly maxBodyBytes?: number | undefined;
	/**
	 * Receives every error whose details no client gets, with a hash of the session id if there is a
	 * session. Default: the console.
	 */
	readonly onError?: ErrorReporter | undefined;
}

/** Spreads sessions over objects. A session stays in its shard if these options change later. */
export interface PlacementOptions {
	/** How many shards each region has, from 1 to 256. Default: 1. */
	readonly shards?: number | undefined;
	/**
	 * Returns the region of a client that opens a session or a subscription; `undefined` picks the
	 * shards without a region. Default: by `request.cf`.
	 */
	readonly region?: ((request: Request) => Region | undefined) | undefined;
}

/** Returns whom a request was authorized for; null if it was not authorized. */
export type PrincipalOf = (
	request: Request,
	auth: AuthInfo | null,
	context: ExecutionContextLike | undefined,
) => Principal | string | null | undefined | Promise<Principal | string | null | undefined>;

/**
 * Returns whether a client may subscribe to a resource.
 *
 * @param principal null if sessions belong to no principal.
 */
export type AuthorizeSubscription = (
	principal: Principal | null,
	uri: string,
	context: SubscriptionContext,
) => boolean | Promise<boolean>;

/** The request that subscribes. */
export interface SubscriptionContext {
	/** What the OAuth helper returned for the caller. */
	readonly auth: AuthInfo | null;
	/** Whether the request is of the stateless era: `subscriptions/listen`. */
	readonly isStateless: boolean;
}

/** Verifies access tokens. Implemented by `@tmcp/auth`. */
export interface OAuthHelper {
	/** Answers requests of the OAuth flow; null for every other request. */
	respond?(request: Request): Promise<Response | null>;
	/**
	 * Returns the caller; null without a token. May throw an error whose `errorCode` is one of RFC 6750:
	 * `invalid_token` is a 401, `insufficient_scope` a 403.
	 *
	 * @param context the one given to `fetch`. `@cloudflare/workers-oauth-provider` sets its `props` and
	 * its `auth`.
	 */
	verify(request: Request, context?: ExecutionContextLike): Promise<AuthInfo | null>;
	/**
	 * Returns the `WWW-Authenticate` of a 401, such as `Bearer resource_metadata="https://…"`, which
	 * tells clients where to get a token (2025-06-18, basic/authorization). Default: `Bearer`.
	 */
	challenge?(request: Request): string;
}

/** Extends a handler. Implemented by packages of this family. */
export interface HandlerExtension {
	/** Connects the extension to a handler, when the handler is created. */
	connect(host: never): unknown;
}

/** The context that a platform passes to a `fetch` handler, such as the `ctx` of Workers. */
export interface ExecutionContextLike {
	/** Keeps the request alive until the promise has settled. */
	waitUntil(promise: Promise<unknown>): void;
	/** Set by the caller of the handler, such as an OAuth provider. */
	readonly props?: unknown;
	/** The token's claims, set by the same caller. */
	readonly auth?: unknown;
}

/** A handler, to export as the default of a Worker. */
export interface McpHandler {
	/**
	 * Answers one request: 404 outside its path, 503 with `Retry-After` if a backend is down.
	 *
	 * @param env its `TMCP_SESSION_KEYS` is used if the option `sessionKeys` is not set.
	 * @param context the platform's, for its `waitUntil`. A long-lived process needs none.
	 */
	fetch(request: Request, env?: unknown, context?: ExecutionContextLike): Promise<Response>;
}
