import type { HonoredSubset } from './honored-subset.ts';

/** What Workers call of a `SessionObject`. */
export interface SessionObjectMethods {
	/** Takes a WebSocket of a Worker that holds a stream. */
	fetch(request: Request): Promise<Response>;
	/**
	 * Answers a request of a session.
	 *
	 * @param call a `SessionCall`, packed.
	 * @returns a `PlainAnswer`, packed, or a stream where the answer is not complete at once.
	 */
	answer(call: string): Promise<Response | string>;
	/** Whether the session is live here. Writes nothing where it never was. */
	isLive(session: string): Promise<boolean>;
	/**
	 * Hands a message to the calls that are at work for a session, such as that a client has come back
	 * for one.
	 *
	 * @returns how many took it.
	 */
	deliver(session: string, message: string): Promise<number>;
	/** What its server has to do with a listener of the stateless era that asks for these. */
	agreed(notifications: object): Promise<HonoredSubset>;
	/** Restores the object from its archive. */
	restore(): Promise<RestoreOutcome>;
}

/** What came of it. An error's class would not survive the way back. */
export type RestoreOutcome =
	| { readonly outcome: 'restored'; readonly rows: number }
	| { readonly outcome: 'failed'; readonly message: string };
