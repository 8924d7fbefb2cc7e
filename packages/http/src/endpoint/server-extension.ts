import type { ClientCapabilities, ClientInfo, LogLevel } from '@tmcp-sessions/core/backend';
import type { SubscriptionManager } from '@tmcp/session-manager';
import type { AuthInfo } from 'tmcp';

import type { ExecutionContextLike, HandlerExtension } from '../options.ts';
import type { ClientResponse, JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';
import type { MessageServer } from './message-server.ts';

/** An extension of the protocol, which answers some messages in place of the server. */
export interface ServerExtension extends HandlerExtension {
	/**
	 * Connects the extension to a handler, when the handler is created.
	 *
	 * @throws {TmcpSessionsError} `configuration` if the extension does not fit the handler.
	 */
	connect(host: ExtensionHost): ConnectedExtension;
}

/** An extension of one handler. */
export interface ConnectedExtension {
	/** Wraps the server. Answers the messages of the extension, and passes every other request on. */
	wrapServer<Custom>(server: MessageServer<Custom>): MessageServer<Custom>;
	/** Wraps the manager of subscriptions, so that they receive the notifications of the extension. */
	wrapSubscriptions(manager: SubscriptionManager): SubscriptionManager;
	/**
	 * Takes the response to a server request that belongs to no call of an isolate. Returns `undefined` for any
	 * other.
	 */
	takeResponse?(context: RequestContext, response: ClientResponse): Promise<void> | undefined;
	/** Answers a message from another object of the extension. Called if the server runs in an object. */
	receive?(message: JsonObject): Promise<JsonObject>;
	/**
	 * Returns the fields of `notifications` that the extension serves, for the handler of another isolate
	 * that holds the stream. Called if the server runs in an object.
	 */
	honoredSubset?(principal: string, notifications: JsonObject): Promise<JsonObject>;
}

/** Where the server of a handler runs. */
export type ServerPlace =
	| { readonly kind: 'isolate' }
	/** In a Durable Object. */
	| { readonly kind: 'object'; readonly id: string }
	/** The handler routes requests to objects, and holds their streams. */
	| { readonly kind: 'routed' };

/** What a handler offers its extension. */
export interface ExtensionHost {
	/** Default: in the isolate of the handler. */
	readonly place?: ServerPlace | undefined;
	/** Whether the handler creates `server.ctx.custom` from a request, which a background call lacks. */
	readonly hasContext: boolean;
	/**
	 * Returns the secrets that all isolates share. The first signs, all verify. If the server runs in an
	 * object, they are those of the object, and the first one may be created `to` seal.
	 *
	 * @throws {TmcpSessionsError} `configuration` if they were generated for this process, and the request
	 * does not come from this machine.
	 */
	secrets(context: RequestContext | undefined, to: 'open' | 'seal'): readonly string[];
	/** Has the server answer a message without a client. Resolves with an error instead of rejecting. */
	runInBackground(call: BackgroundCall): Promise<JsonObject>;
	/** Hands the server the response to a server request of a background call. Rejects if it is invalid. */
	respond(response: ClientResponse): Promise<void>;
	/** Returns what the client of a session-based request declared with `initialize`. */
	clientMetadata(context: RequestContext): Promise<ClientMetadata>;
	/**
	 * Sends the client of a session-based call a request, and returns the response.
	 *
	 * @param write writes the request to the stream of the call.
	 */
	sendRequest(
		context: RequestContext,
		request: JsonObject,
		write: (frame: object) => void,
	): Promise<ClientResponse>;
	/**
	 * Returns whether the server has a tool of this name.
	 *
	 * @param call whose headers repeat arguments, as the tool's `x-mcp-header` says.
	 * @throws {HttpRejection} 400 with -32020 if such a header differs from the call.
	 */
	hasTool(name: string, call?: RequestContext): Promise<boolean>;
	/** Requests an elicitation in the call that runs, as a tool does. */
	elicit(message: string, schema: object): Promise<unknown>;
	/** Sends progress in the call that runs, as a tool does. */
	progress(count: number, message: string): void;
	/** Reports an error to `onError`. */
	report(error: unknown): void;
}

/** What the backend of a server offers an extension. */
export type ExtensionAccess = Omit<ExtensionHost, 'hasContext' | 'place' | 'report' | 'secrets'>;

/** A message that the server answers after its request has ended. */
export interface BackgroundCall {
	/** A session-based request. */
	readonly message: JsonObject;
	readonly principal: string;
	readonly auth?: AuthInfo | undefined;
	/** The internal id of the session that the call belongs to. */
	readonly sessionId?: string | undefined;
	readonly sessionInfo: ClientMetadata;
	/** `server.ctx.custom` of the tools. */
	readonly custom?: unknown;
	readonly signal: AbortSignal;
	/** Receives the promises that the call starts, which must settle. */
	readonly platform: ExecutionContextLike | undefined;
	/** Receives each notification and each server request of the call. */
	readonly onFrame: (frame: JsonObject) => void;
}

/** What a client has declared about itself. */
export interface ClientMetadata {
	readonly clientInfo?: ClientInfo | undefined;
	readonly clientCapabilities?: ClientCapabilities | undefined;
	readonly logLevel?: LogLevel | undefined;
}
