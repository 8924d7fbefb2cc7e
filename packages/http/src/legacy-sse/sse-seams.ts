import type { Caller } from '../session/authenticator.ts';
import type { HandlerSeams, Route } from '../endpoint/handler-seams.ts';

/**
 * How a package composes the handler of the first transport over HTTP where sessions live in objects:
 * in the Worker, which holds their streams, and in the object, which answers. No option of a
 * deployment.
 */
export interface SseSeams {
	/** In the Worker: other ids than the ones of `createSessionIds`, made of these. */
	readonly names?: HandlerSeams['names'];
	/**
	 * In the Worker: takes what concerns a session whose id is right. A GET says that it begins, before
	 * its stream is opened; a POST has a well-formed message of it; a DELETE says that its stream has
	 * ended.
	 */
	readonly route?: Pick<Route, 'send'> | undefined;
	/** In the object: what the Worker found out of a POST or a DELETE that it sends. */
	readonly sent?: ((request: Request) => SentBy) | undefined;
}

/** Whose request it is that a Worker sends on. */
export interface SentBy extends Caller {
	readonly sessionId: string;
}
