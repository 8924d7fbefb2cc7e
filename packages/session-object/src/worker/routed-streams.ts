import type { ErrorReporter } from '@tmcp-sessions/core';
import { currentScope } from '@tmcp-sessions/core/backend';
import type {
	CallEvents,
	RequestScope,
	ResumableStreams,
	SessionInboxes,
} from '@tmcp-sessions/core/backend';
import { SocketStreamManager } from '@tmcp-sessions/streams-durable-object/internal';

import type { ObjectNamespace, SessionObjectStub } from './object-namespace.ts';

/** Returns a new stub of a session's object. */
type StubFor = (session: string, scope: RequestScope | undefined) => Promise<SessionObjectStub>;

/** Holds the GET streams of a Worker's clients, each by a socket to the object of its session. */
export class RoutedStreams extends SocketStreamManager implements SessionInboxes, ResumableStreams {
	readonly #namespace: ObjectNamespace;
	readonly #stubFor: StubFor;

	constructor(namespace: ObjectNamespace, stubFor: StubFor, onError: ErrorReporter | undefined) {
		const { requirement } = namespace;
		super(async (session, scope) => ({ stub: await stubFor(session, scope), requirement }), {
			onError,
		});
		this.#namespace = namespace;
		this.#stubFor = stubFor;
	}

	/**
	 * Releases the stream whose client has disconnected. A session is ended by its object, which then
	 * closes all streams.
	 */
	override delete(session: string): void {
		this.release(session);
	}

	/** Does nothing: the session's server sends from its object. */
	override send(): void {}

	/** Does nothing: the object stores the events of its calls itself. */
	async keepCall(_session: string, _events: CallEvents): Promise<void> {}

	async deliver(session: string, message: string, call?: string): Promise<number> {
		const stub = await this.#stubFor(session, currentScope());
		try {
			return await stub.deliver(session, message, call);
		} catch (cause) {
			throw this.#namespace.errorOf('delivering to inboxes', cause);
		}
	}
}
