import type { JsonObject, RoutedCall } from '@tmcp-sessions/http/internal';

import type {
	ChangeReceiverRpc,
	DeliveryOutcome,
	NumberedChange,
} from '@tmcp-sessions/streams-durable-object/internal';

import type { HonoredSubset } from './honored-subset.ts';

/** The methods of a `SessionObject` that Workers call. */
export interface SessionObjectRpc extends ChangeReceiverRpc {
	/** Accepts the WebSocket of a Worker that holds a stream open. */
	fetch(request: Request): Promise<Response>;
	/**
	 * Handles a client's request.
	 *
	 * @param request a serialized `SessionRequest`.
	 * @returns a serialized `Answer`, or a response that streams if the answer is not complete at once.
	 */
	answer(request: string): Promise<Response | string>;
	/** Returns whether the session is live. Writes nothing if it was never opened. */
	isLive(session: string): Promise<boolean>;
	/**
	 * Delivers a message to the calls in flight of a session, for instance that the client has
	 * reconnected to resume one.
	 *
	 * @param call the stream of the call that it is for. Default: all calls of the session.
	 * @returns the number of calls that accepted it. With `call`, 0 only if the call is lost.
	 */
	deliver(session: string, message: string, call?: string): Promise<number>;
	/**
	 * Returns which of the requested notifications the server will send to a stateless subscription.
	 *
	 * @param caller who subscribes. Workers of earlier releases pass none.
	 */
	honoredSubset(
		notifications: JsonObject,
		caller?: Pick<RoutedCall, 'auth' | 'principal'>,
	): Promise<HonoredSubset>;
	/**
	 * Sends published changes to the clients, except those that the object has received before.
	 *
	 * @returns `gone` if the object does not have the registration of this token.
	 */
	receiveChanges(token: string, changes: readonly NumberedChange[]): Promise<DeliveryOutcome>;
	/** Passes a message of an object of the extension, such as a task, to this object's. */
	extension(message: JsonObject): Promise<JsonObject>;
	/** Restores the object from its archive. */
	restore(): Promise<RestoreOutcome>;
}

/** The result of a restoration. A failure is a value because RPC does not preserve error classes. */
export type RestoreOutcome =
	| { readonly outcome: 'restored'; readonly rows: number }
	| { readonly outcome: 'failed'; readonly message: string };
