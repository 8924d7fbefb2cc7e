import type { ErrorReporter } from '@tmcp-sessions/core';
import { currentScope } from '@tmcp-sessions/core/backend';
import type {
	CallEvents,
	RequestScope,
	ResumableStreams,
	SessionInbox,
	SessionInboxes,
} from '@tmcp-sessions/core/backend';
import { DurableObjectStreamSessionManager } from '@tmcp-sessions/streams-durable-object';
import { StreamSessionManager } from '@tmcp/session-manager';

import { namespaceOf } from './namespace-of.ts';
import type { SessionObjectStub } from './object-namespace.ts';

/** Finds the object of a session: a stub of it, as often as one is needed. */
type StubsOf = (session: string) => Promise<() => SessionObjectStub>;

/**
 * The GET streams that a Worker holds for its clients, each by a socket to the object of its session:
 * what `DurableObjectStreamSessionManager` does for the one object that it knows, done for the
 * object that the session is in.
 */
export class RoutedStreams
	extends StreamSessionManager
	implements SessionInboxes, ResumableStreams
{
	readonly #stubsOf: StubsOf;
	readonly #onError: ErrorReporter | undefined;
	/** Which request holds a stream, and by which manager. */
	readonly #managers = new WeakMap<RequestScope, DurableObjectStreamSessionManager>();

	constructor(stubsOf: StubsOf, onError: ErrorReporter | undefined) {
		super();
		this.#stubsOf = stubsOf;
		this.#onError = onError;
	}

	override async create(
		session: string,
		controller: ReadableStreamDefaultController,
	): Promise<void> {
		const manager = await this.#managerOf(session);
		const scope = currentScope();
		if (scope) this.#managers.set(scope, manager);
		await manager.create(session, controller);
	}

	/** A client has left its stream. Sessions are ended in their objects, which end all streams then. */
	override async delete(session: string): Promise<void> {
		const scope = currentScope();
		const manager = scope && this.#managers.get(scope);
		await manager?.delete(session);
	}

	override has(): boolean {
		return false;
	}

	/** Nothing is sent from here. */
	override send(): void {}

	async keepCall(session: string, events: CallEvents): Promise<void> {
		await (await this.#managerOf(session)).keepCall(session, events);
	}

	async openInbox(session: string, take: (message: string) => void): Promise<SessionInbox> {
		return (await this.#managerOf(session)).openInbox(session, take);
	}

	async deliver(session: string, message: string): Promise<number> {
		return (await this.#managerOf(session)).deliver(session, message);
	}

	async #managerOf(session: string): Promise<DurableObjectStreamSessionManager> {
		return new DurableObjectStreamSessionManager(namespaceOf(await this.#stubsOf(session)), {
			onError: this.#onError,
		});
	}
}
